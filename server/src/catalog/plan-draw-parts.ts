// Colours, shapes and legend of a drawn plan.

import type { PlanSeat, SeatPlan } from '@housefull/schema/seat-plan';

/** Told apart by people who see colours differently, and with white numbers on them (contrast 4.5 or more). */
const COLOURS = [
  '#5b6b7d',
  '#9a6a00',
  '#1f6f8b',
  '#a3355e',
  '#4b7a2b',
  '#6a4fa3',
  '#b04a1e',
  '#2f5fb3',
  '#7a5540',
  '#55606b',
];

export const STYLE = [
  '.paper{fill:#fbfaf7;stroke:#e4dfd4;stroke-width:.06}',
  'text{font-family:system-ui,"Segoe UI",Roboto,"Noto Sans",Helvetica,Arial,sans-serif;text-anchor:middle;fill:#2b2a28}',
  '.title{font-size:1.05px;font-weight:650}.subtitle{font-size:.58px;fill:#77726a}',
  '.screen{fill:none;stroke:#2b2a28;stroke-width:.16;stroke-linecap:round}.beam{fill:#e9e3d3;opacity:.55}',
  '.screen-word{font-size:.46px;letter-spacing:.32px;fill:#77726a}',
  '.no{font-size:.4px;fill:#fff;font-weight:500}.long{font-size:.28px}.row{font-size:.56px;fill:#77726a}',
  '.area{font-size:.66px;font-weight:600;fill:#55514a}',
  '.sofa{fill-opacity:.28;stroke-width:.07}.tie{stroke:#b9d3ee;stroke-width:1.12;stroke-linecap:round}',
  '.ga{fill-opacity:.14;stroke-width:.08;stroke-dasharray:.3 .2}.ga-name{font-size:.9px;font-weight:600}.ga-count{font-size:.58px;fill:#55514a}',
  '.key{font-size:.6px;text-anchor:start}',
  ...COLOURS.map((colour, at) => `.k${at}{fill:${colour}}.sofa.k${at},.ga.k${at}{stroke:${colour}}`),
].join('\n');

/** Drawn in a square of one: seat, cushion of a sofa, wheelchair, restricted view, house. */
export const SHAPES = `<defs>
<path id="s" d="M.24 .08H.76Q.88 .08 .88 .2V.62Q.95 .64 .95 .72V.82Q.95 .92 .85 .92H.15Q.05 .92 .05 .82V.72Q.05 .64 .12 .62V.2Q.12 .08 .24 .08Z"/>
<rect id="c" x=".06" y=".16" width=".88" height=".72" rx=".16"/>
<g id="w"><rect x=".09" y=".08" width=".82" height=".84" rx=".2" fill="#0b5cab"/><circle cx=".46" cy=".24" r=".075" fill="#fff"/><path d="M.46 .35V.55H.62L.72 .74M.47 .44H.6M.39 .44A.17 .17 0 1 0 .61 .7" fill="none" stroke="#fff" stroke-width=".075" stroke-linecap="round" stroke-linejoin="round"/></g>
<path id="r" d="M.14 .44L.46 .12M.14 .62L.64 .12M.14 .8L.82 .12M.3 .88L.86 .32M.5 .88L.86 .52M.68 .88L.88 .68" stroke="#fff" stroke-width=".05" stroke-opacity=".5"/>
<path id="h" d="M.5 -.04L.58 .1L.74 .13L.63 .25L.65 .41L.5 .34L.35 .41L.37 .25L.26 .13L.42 .1Z" transform="translate(.56 -.06) scale(.62)" fill="#ffd34d" stroke="#5c4300" stroke-width=".06" stroke-linejoin="round"/>
</defs>`;

export function colourOf(plan: SeatPlan, seat: PlanSeat): string {
  return `k${plan.categories.findIndex((category) => category.code === seat.category) % COLOURS.length}`;
}

interface Key {
  readonly svg: string;
  readonly text: string;
}

const LINE = 1.35;
/** Seat widths of a character, on average, at the legend's size; a little more than in any of the fonts. */
const CHARACTER = 0.34;

/** What the colours and signs mean, in as many lines as the width asks for. */
export function legendOf(plan: SeatPlan, widthMax: number): { svg: string; width: number; height: number } {
  const lines: { keys: string[]; width: number }[] = [];
  for (const { svg, text } of keysOf(plan)) {
    const width = 1.3 + text.length * CHARACTER + 0.9;
    let line = lines.at(-1);
    if (line === undefined || line.width + width > widthMax) {
      line = { keys: [], width: 0 };
      lines.push(line);
    }
    const y = ((lines.length - 1) * LINE).toFixed(2);
    line.keys.push(
      `<g transform="translate(${line.width.toFixed(2)} ${y})">${svg}<text class="key" x="1.3" y=".7">${escaped(text)}</text></g>`,
    );
    line.width += width;
  }
  const width = Math.max(...lines.map((line) => line.width)) - 0.9;
  const svg = lines
    .map(
      (line) =>
        `<g transform="translate(${((width - (line.width - 0.9)) / 2).toFixed(2)} 0)">${line.keys.join('')}</g>`,
    )
    .join('');
  return { svg, width, height: lines.length * LINE };
}

function keysOf(plan: SeatPlan): Key[] {
  const any = (matches: (seat: PlanSeat) => unknown): boolean => plan.seats.some(matches);
  const count = (matches: (seat: PlanSeat) => unknown): number => plan.seats.filter(matches).length;
  const sofa = '<rect class="sofa k0" x="-.5" y=".04" width="2" height=".96" rx=".24" transform="scale(.6 1)"/>';
  return [
    ...plan.categories.map(({ code, name }, at) => ({
      svg: `<use href="#s" class="k${at % COLOURS.length}"/>`,
      text: `${name} (${count((seat) => seat.category === code)})`,
    })),
    ...(any((seat) => seat.accessible) ? [{ svg: '<use href="#w"/>', text: 'Wheelchair space' }] : []),
    ...(any((seat) => seat.companionOf !== undefined)
      ? [
          {
            svg: '<g transform="translate(.08 .08) scale(.84)"><path class="tie" d="M.4 .5H.6"/><use href="#s" class="k0" transform="translate(.1 .1) scale(.8)"/></g>',
            text: 'Its companion',
          },
        ]
      : []),
    ...(any((seat) => seat.group !== undefined)
      ? [{ svg: `${sofa}<use href="#c" class="k0" transform="translate(.06 .1) scale(.8)"/>`, text: 'Sold whole' }]
      : []),
    ...(any((seat) => seat.restrictedView)
      ? [{ svg: '<use href="#s" class="k0"/><use href="#r"/>', text: 'Restricted view' }]
      : []),
    ...(any((seat) => seat.house) ? [{ svg: '<use href="#s" class="k0"/><use href="#h"/>', text: 'House seat' }] : []),
  ];
}

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
