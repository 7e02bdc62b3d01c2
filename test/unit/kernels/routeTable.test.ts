/** The place of a fill state is used again: nothing may lead to it, or write through it, once it is free. */
import { describe, expect, test } from 'vitest';
import { FillState, RouteTable, ROUTES_MASK } from '../../../kernels/routeTable.ts';

describe('a fill state', () => {
  test('is not freed while a route leads to it', () => {
    const [routes, fill] = [new RouteTable(), new FillState()];
    routes.set(3, fill);
    routes.set(3, fill);
    routes.set(4, fill);
    routes.remove(3);
    expect(() => fill.free()).toThrow(RangeError);
    routes.remove(4);
    routes.remove(4);
    fill.free();
  });

  test('is left by a route that another one takes the place of', () => {
    const [routes, one, other] = [new RouteTable(), new FillState(), new FillState()];
    routes.set(7, one);
    routes.set(7 + ROUTES_MASK + 1, other);
    one.free();
    expect(() => other.free()).toThrow(RangeError);
    routes.remove(7);
    other.free();
  });

  test('that is free is empty, and cannot be used', () => {
    const fill = new FillState();
    fill.turnTo(64, 10);
    fill.wrote(5);
    fill.free();
    const next = new FillState();
    next.wrote(8);
    expect([fill.filled, fill.records, fill.lastOffset, fill.address]).toEqual([0, 0, null, 0]);
    expect(() => fill.turnTo(64, 10)).toThrow(RangeError);
    expect(() => fill.free()).toThrow(RangeError);
    expect(() => new RouteTable().set(0, fill)).toThrow(RangeError);
    next.free();
  });
});
