// Poster motifs: what a drawn poster shows. Each fills the upper 400 x 430 of a 400 x 600 sheet, from a palette and chance.

export interface Palette {
  /** From the top of the sheet to the bottom. */
  readonly sky: readonly [string, string, string];
  readonly light: string;
  readonly dark: string;
  readonly accent: string;
}

export type Chance = () => number;
type Motif = (palette: Palette, chance: Chance) => string;

const between = (chance: Chance, low: number, high: number): number => low + chance() * (high - low);
const many = (count: number, draw: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => draw(at)).join('');
const px = (value: number): string => String(Math.round(value * 10) / 10);

const circle = (x: number, y: number, radius: number, attributes: string): string =>
  `<circle cx="${px(x)}" cy="${px(y)}" r="${px(radius)}" ${attributes}/>`;

const rectangle = (x: number, y: number, width: number, height: number, attributes: string): string =>
  `<rect x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${px(height)}" ${attributes}/>`;

/** A ridge from left to right, closed below. */
function ridge(height: number, rough: number, steps: number, chance: Chance, attributes: string): string {
  const points = Array.from({ length: steps + 1 }, (_, at) => {
    const peak = at % 2 === 0 ? rough : -rough;
    return `${px((at * 400) / steps)},${px(height + peak * between(chance, 0.4, 1))}`;
  });
  return `<polygon points="0,600 ${points.join(' ')} 400,600" ${attributes}/>`;
}

const rain: Motif = (p, chance) =>
  circle(200, 170, 92, `fill="${p.light}" opacity=".9"`) +
  many(70, () => {
    const x = between(chance, -20, 420);
    const y = between(chance, -20, 380);
    const length = between(chance, 18, 60);
    return `<path d="M${px(x)} ${px(y)}l${px(-length * 0.25)} ${px(length)}" stroke="${p.light}" stroke-width="1.6" opacity=".45"/>`;
  }) +
  `<path d="M110 330a90 78 0 0 1 180 0q-15-16-30 0q-15-16-30 0q-15-16-30 0q-15-16-30 0q-15-16-30 0q-15-16-30 0z" fill="${p.accent}"/>` +
  `<path d="M200 252v150q0 22-20 22t-20-16" fill="none" stroke="${p.dark}" stroke-width="7" stroke-linecap="round"/>`;

const circuit: Motif = (p, chance) =>
  many(6, (at) => {
    const inset = 40 + at * 24;
    return `<rect x="${inset}" y="${inset + 10}" width="${400 - 2 * inset}" height="${410 - 2 * inset}" rx="${90 - at * 10}" fill="none" stroke="${at % 2 ? p.accent : p.light}" stroke-width="${px(9 - at)}" stroke-dasharray="${px(between(chance, 60, 220))} ${px(between(chance, 10, 40))}"/>`;
  }) + circle(200, 215, 24, `fill="${p.accent}"`);

const boats: Motif = (p, chance) =>
  circle(280, 120, 54, `fill="${p.light}"`) +
  many(3, (at) => {
    const [x, y, size] = [90 + at * 105, 268 + at * 36, 0.6 + at * 0.32];
    return `<g transform="translate(${x} ${y}) scale(${px(size)})"><path d="M-60 0h120l-28 30h-64z" fill="${p.light}"/><path d="M0-58l38 58h-76z" fill="${p.accent}"/><path d="M0-58v58h-38z" fill="${p.dark}" opacity=".35"/></g>`;
  }) +
  many(7, (at) => {
    const y = 310 + at * 20;
    return `<path d="M0 ${y}q25-${px(between(chance, 8, 16))} 50 0t50 0t50 0t50 0t50 0t50 0t50 0t50 0" fill="none" stroke="${p.light}" opacity=".35" stroke-width="2.5"/>`;
  });

const signal: Motif = (p, chance) =>
  many(46, () =>
    circle(between(chance, 0, 400), between(chance, 0, 260), between(chance, 0.6, 2), `fill="${p.light}"`),
  ) +
  `<path d="M150 600L192 250h16L250 600M60 600L186 260M340 600L214 260" stroke="${p.light}" stroke-width="5" opacity=".7"/>` +
  many(9, (at) =>
    rectangle(186 - at * 8.4, 268 + at * at * 4.2, 28 + at * 16.8, 3 + at, `fill="${p.dark}" opacity=".8"`),
  ) +
  rectangle(262, 70, 46, 128, `rx="22" fill="${p.dark}"`) +
  rectangle(281, 190, 8, 180, `fill="${p.dark}"`) +
  circle(285, 102, 15, `fill="${p.accent}"`) +
  circle(285, 102, 34, `fill="${p.accent}" opacity=".25"`) +
  circle(285, 162, 15, `fill="${p.light}" opacity=".2"`);

const meridian: Motif = (p) =>
  circle(200, 210, 140, `fill="${p.dark}" opacity=".55"`) +
  many(
    7,
    (at) =>
      `<ellipse cx="200" cy="210" rx="${px(Math.abs(at - 3) * 46)}" ry="140" fill="none" stroke="${at === 3 ? p.accent : p.light}" stroke-width="${at === 3 ? 6 : 1.6}"/>`,
  ) +
  many(
    5,
    (at) =>
      `<ellipse cx="200" cy="${110 + at * 50}" rx="${px(Math.sqrt(140 ** 2 - (at * 50 - 100) ** 2))}" ry="9" fill="none" stroke="${p.light}" stroke-width="1.2" opacity=".7"/>`,
  ) +
  `<path d="M200 40v340" stroke="${p.accent}" stroke-width="6"/>`;

const lamp: Motif = (p, chance) =>
  many(9, (at) => circle(200, 210, 190 - at * 19, `fill="${p.light}" opacity="${px(0.06 + at * 0.03)}0"`)) +
  many(30, () =>
    circle(
      between(chance, 30, 370),
      between(chance, 20, 400),
      between(chance, 1, 3),
      `fill="${p.accent}" opacity=".8"`,
    ),
  ) +
  `<path d="M152 300h96l-14 34h-68z" fill="${p.dark}"/><path d="M164 300q-14-90 36-120q50 30 36 120z" fill="${p.light}" opacity=".85"/>` +
  `<path d="M200 296q-28-36 0-84q28 48 0 84z" fill="${p.accent}"/><path d="M168 178q32-40 64 0" fill="none" stroke="${p.dark}" stroke-width="6"/>`;

const ruins: Motif = (p, chance) =>
  circle(130, 130, 70, `fill="${p.accent}" opacity=".9"`) +
  `<path d="M262 20l-46 110h36l-30 96l84-128h-40l36-78z" fill="${p.light}"/>` +
  ridge(300, 22, 9, chance, `fill="${p.dark}" opacity=".4"`) +
  many(5, (at) => {
    const x = 46 + at * 70;
    return rectangle(x, 268, 22, 150, `fill="${p.dark}"`) + rectangle(x - 9, 258, 40, 14, `fill="${p.dark}"`);
  }) +
  `<path d="M28 258L200 196L372 258z" fill="${p.dark}"/>`;

const kites: Motif = (p, chance) =>
  many(7, (at) => {
    const x = between(chance, 40, 360);
    const y = 40 + at * 48;
    const size = between(chance, 0.5, 1.3);
    const turn = between(chance, -35, 35);
    return `<path d="M${px(x)} ${px(y)}Q${px(between(chance, 60, 340))} ${px(y + 150)} ${px(between(chance, 120, 280))} 600" fill="none" stroke="${p.light}" stroke-width="1" opacity=".6"/><g transform="translate(${px(x)} ${px(y)}) rotate(${px(turn)}) scale(${px(size)})"><path d="M0-46L36 0L0 54L-36 0z" fill="${at % 2 ? p.accent : p.light}"/><path d="M0-46V54M-36 0H36" stroke="${p.dark}" stroke-width="2"/></g>`;
  });

const orbit: Motif = (p, chance) =>
  many(80, () =>
    circle(
      between(chance, 0, 400),
      between(chance, 0, 430),
      between(chance, 0.5, 1.8),
      `fill="${p.light}" opacity=".8"`,
    ),
  ) +
  many(
    3,
    (at) =>
      `<ellipse cx="200" cy="215" rx="${120 + at * 38}" ry="${34 + at * 17}" transform="rotate(-18 200 215)" fill="none" stroke="${p.light}" stroke-width="1.6" opacity="${0.9 - at * 0.25}"/>`,
  ) +
  circle(200, 215, 84, `fill="${p.accent}"`) +
  `<path d="M200 131a84 84 0 0 1 0 168a110 110 0 0 0 0-168z" fill="${p.dark}" opacity=".45"/>` +
  circle(322, 168, 11, `fill="${p.light}"`);

const steam: Motif = (p) =>
  circle(200, 180, 130, `fill="${p.light}" opacity=".25"`) +
  many(
    3,
    (at) =>
      `<path d="M${160 + at * 40} 190q-26-34 0-66t0-70" fill="none" stroke="${p.light}" stroke-width="9" stroke-linecap="round" opacity=".75"/>`,
  ) +
  `<path d="M122 214h156l-20 160q-2 20-22 20h-72q-20 0-22-20z" fill="${p.accent}"/><path d="M134 300h132l-9 74q-2 20-22 20h-70q-20 0-22-20z" fill="${p.dark}" opacity=".35"/>` +
  `<path d="M276 244q56-6 50 46t-60 48" fill="none" stroke="${p.accent}" stroke-width="13"/>` +
  rectangle(92, 404, 216, 10, `rx="5" fill="${p.dark}"`);

const contours: Motif = (p, chance) => {
  const lines = many(13, (at) => {
    const radius = 26 + at * 21;
    const reach = (): number => radius * between(chance, 0.82, 1.16);
    const [top, bottom] = [px(230 - radius), px(230 + radius * 0.9)];
    const curve = `C${px(200 + reach())} ${top} ${px(200 + reach())} ${px(230 + radius)} 200 ${bottom}S${px(200 - reach())} ${px(230 - reach())} 200 ${top}z`;
    const major = at % 4 === 0;
    return `<path d="M200 ${top}${curve}" fill="none" stroke="${major ? p.accent : p.light}" stroke-width="${major ? 3 : 1.4}" opacity=".85"/>`;
  });
  return `${lines}<path d="M188 208l24 24m0-24l-24 24" stroke="${p.accent}" stroke-width="6"/>`;
};

const stripes: Motif = (p, chance) =>
  circle(200, 200, 118, `fill="${p.accent}"`) +
  many(8, (at) => {
    const y = 92 + at * 29;
    const reach = between(chance, 56, 104);
    return `<path d="M${px(200 - reach)} ${y}q${px(reach * 0.7)} 18 ${px(reach - 14)} 26q-${px(reach * 0.6)}-2-${px(reach - 14)}-26zM${px(200 + reach)} ${y}q-${px(reach * 0.7)} 18-${px(reach - 14)} 26q${px(reach * 0.6)}-2 ${px(reach - 14)}-26z" fill="${p.dark}"/>`;
  }) +
  `<ellipse cx="158" cy="196" rx="17" ry="11" fill="${p.light}"/><ellipse cx="242" cy="196" rx="17" ry="11" fill="${p.light}"/>` +
  circle(158, 196, 6, `fill="${p.dark}"`) +
  circle(242, 196, 6, `fill="${p.dark}"`) +
  many(
    14,
    (at) =>
      `<path d="M${at * 30} 600q${px(between(chance, -30, 30))}-90 ${px(between(chance, -16, 40))}-${px(between(chance, 150, 260))}q14 120 26 260z" fill="${p.dark}" opacity=".55"/>`,
  );

export const MOTIFS = {
  rain,
  circuit,
  boats,
  signal,
  meridian,
  lamp,
  ruins,
  kites,
  orbit,
  steam,
  contours,
  stripes,
} as const satisfies Record<string, Motif>;
export type MotifName = keyof typeof MOTIFS;
