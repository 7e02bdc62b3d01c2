#!/usr/bin/env node
'use strict';
// Every Node version must be able to run this file, to report that it is too old: only ES2015 syntax and
// functions that old versions have.

var NODE_MAJOR_MIN = 24;
var SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

var major = Number(process.versions.node.split('.')[0]);
if (major < NODE_MAJOR_MIN) {
  var found = process.versions.node + ' (' + process.execPath + ')';
  console.error('tidemark needs Node.js ' + NODE_MAJOR_MIN + ' or newer; this is ' + found + '.');
  process.exit(2);
}

// Installed before anything else is loaded: process 1 of a container receives only signals that it has a
// handler for. A signal that arrives before a command listens is kept for it; a second one ends the process
// at once.
var waiting = [];
var listeners = [];

Object.keys(SIGNALS).forEach(function (signal) {
  process.on(signal, function () {
    if (listeners.length > 0) listeners[listeners.length - 1](signal);
    else if (waiting.push(signal) > 1) process.exit(128 + SIGNALS[signal]);
  });
});

/**
 * The latest listener gets every signal until the returned function is called. It gets the kept signals at
 * once.
 */
function onSignal(listener) {
  listeners.push(listener);
  waiting.splice(0).forEach(function (signal) {
    listener(signal);
  });
  return function () {
    if (listeners.indexOf(listener) !== -1) listeners.splice(listeners.indexOf(listener), 1);
  };
}

require('./start.js').start(onSignal);
