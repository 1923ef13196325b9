// How a seat is drawn: a seat and its arm rests; inside, a sign for what colour alone would say. In a square of one.

import type { JSX } from 'preact';
import type { SeatLook } from './seat-picking.ts';

interface SeatShapeProps {
  readonly look: SeatLook;
  readonly accessible?: boolean;
  readonly restricted?: boolean;
}

export function SeatShape({ look, accessible = false, restricted = false }: SeatShapeProps): JSX.Element {
  const fill = look === 'held' ? { fill: 'url(#hatch)' } : {};
  const free = look === 'available' || look === 'kept';
  return (
    <>
      <path class="body" d={BODY} {...fill} />
      {look === 'booked' && <path class="sign" d="M .36 .36 L .64 .64 M .64 .36 L .36 .64" />}
      {(look === 'picked' || look === 'mine') && <path class="sign" d="M .3 .5 L .45 .65 L .72 .33" />}
      {accessible && free && <Wheelchair />}
      {restricted && free && <ClosedEye />}
    </>
  );
}

export function Wheelchair(): JSX.Element {
  return (
    <>
      <circle class="sign dot" cx=".47" cy=".25" r=".05" />
      <path class="sign thin" d="M .47 .34 V .54 H .62 L .7 .7 M .56 .62 A .15 .15 0 1 1 .41 .47" />
    </>
  );
}

function ClosedEye(): JSX.Element {
  return <path class="sign thin" d="M .28 .4 Q .5 .62 .72 .4 M .34 .5 L .29 .6 M .5 .54 V .66 M .66 .5 L .71 .6" />;
}

const BODY =
  'M .24 .1 H .76 Q .86 .1 .86 .2 V .66 Q .93 .68 .93 .75 V .82 Q .93 .9 .85 .9 H .15 Q .07 .9 .07 .82 V .75 Q .07 .68 .14 .66 V .2 Q .14 .1 .24 .1 Z';
