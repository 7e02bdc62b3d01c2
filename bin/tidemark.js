#!/usr/bin/env node
'use strict';
// Every Node must understand this file, so that an old one can be told apart: no syntax younger than ES2015, nothing that it lacks.

var NODE_MAJOR_MIN = 24;
var SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

var major = Number(process.versions.node.split('.')[0]);
if (major < NODE_MAJOR_MIN) {
  var found = process.versions.node + ' (' + process.execPath + ')';
  console.error('tidemark needs Node.js ' + NODE_MAJOR_MIN + ' or newer; this is ' + found + '.');
  process.exit(2);
}

// Before anything else is loaded: the kernel gives process 1 of a container no signal that it has no handler for. What comes before a
// command listens is kept for it; a second one then does not wait for the command.
var waiting = [];
var listeners = [];

Object.keys(SIGNALS).forEach(function (signal) {
  process.on(signal, function () {
    if (listeners.length > 0) listeners[listeners.length - 1](signal);
    else if (waiting.push(signal) > 1) process.exit(128 + SIGNALS[signal]);
  });
});

/** The latest listener gets every signal until the function that is returned is called; and at once what came before there was any. */
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
