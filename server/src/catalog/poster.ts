// Poster: an SVG drawn from what is known of a film. Same film, same poster, on every node and after every restart.

import { createHash } from 'node:crypto';
import { type Chance, MOTIFS, type MotifName, type Palette } from './poster-motifs.ts';

export interface PosterSubject {
  readonly movieId: string;
  readonly title: string;
  readonly language: string;
  readonly certificate: string;
  readonly genres: readonly string[];
}

export interface PosterArt {
  readonly motif: MotifName;
  readonly palette: Palette;
}

const PALETTES: readonly Palette[] = [
  { sky: ['#10223d', '#1f4e6b', '#0b1524'], light: '#d9f0ff', dark: '#07101c', accent: '#ff7a59' },
  { sky: ['#3a0d2e', '#b23a48', '#1c0616'], light: '#ffe8d6', dark: '#22071b', accent: '#fcbf49' },
  { sky: ['#0b3d3a', '#2a9d8f', '#062321'], light: '#f1faee', dark: '#04211f', accent: '#e9c46a' },
  { sky: ['#1b1238', '#4c3a91', '#0d0920'], light: '#e8e4ff', dark: '#0b0819', accent: '#ff5d8f' },
];
const MOTIF_NAMES = Object.keys(MOTIFS) as MotifName[];

/** A text that always ends within the sheet: at most so many lines of so many letters. */
const TITLE_LINES = 3;
const TITLE_LETTERS = 13;
const FOOTER_LETTERS = 28;
const SEPARATOR = '  ·  ';

/** Without `art`, motif and palette are picked by the film's id. */
export function drawPoster(subject: PosterSubject, art: PosterArt = artOf(subject.movieId)): string {
  const { palette, motif } = art;
  const [top, middle, bottom] = palette.sky;
  const lines = wrap(subject.title);
  const size = lines.length > 2 ? 42 : 48;
  const firstLine = 520 - (lines.length - 1) * size;
  const title = lines
    .map(
      (line, at) =>
        `<text x="28" y="${firstLine + at * size}" font-size="${size}" font-weight="800">${escapeXml(line)}</text>`,
    )
    .join('');
  const footer = footerOf(subject);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 600" role="img" aria-label="${escapeXml(subject.title)}">` +
    `<defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${top}"/><stop offset=".55" stop-color="${middle}"/><stop offset="1" stop-color="${bottom}"/></linearGradient>` +
    `<linearGradient id="ground" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${bottom}" stop-opacity="0"/><stop offset=".45" stop-color="${bottom}" stop-opacity=".92"/><stop offset="1" stop-color="${bottom}"/></linearGradient></defs>` +
    `<rect width="400" height="600" fill="url(#sky)"/>${MOTIFS[motif](palette, chanceOf(subject.movieId))}` +
    `<rect y="330" width="400" height="270" fill="url(#ground)"/>` +
    `<g fill="${palette.light}" font-family="Avenir Next, Segoe UI, Ubuntu, Noto Sans, sans-serif">${title}` +
    `<rect x="28" y="538" width="56" height="4" fill="${palette.accent}"/>` +
    `<text x="28" y="570" font-size="13" letter-spacing="1.5" opacity=".9">${escapeXml(footer)}</text>` +
    `<text x="372" y="570" font-size="13" font-weight="700" text-anchor="end" fill="${palette.accent}">${escapeXml(subject.certificate)}</text></g></svg>`
  );
}

function artOf(movieId: string): PosterArt {
  const seed = seedOf(movieId);
  const motif = MOTIF_NAMES[seed % MOTIF_NAMES.length] ?? 'orbit';
  const palette = PALETTES[(seed >>> 8) % PALETTES.length] as Palette;
  return { motif, palette };
}

const seedOf = (text: string): number => createHash('sha256').update(text).digest().readUInt32LE(0);

/** mulberry32: small, fast, and good enough for where a star stands. */
function chanceOf(text: string): Chance {
  let state = seedOf(text);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function wrap(title: string): string[] {
  const lines: string[] = [];
  for (const word of title.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && `${last} ${word}`.length <= TITLE_LETTERS) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word.slice(0, TITLE_LETTERS));
  }
  if (lines.length <= TITLE_LINES) return lines;
  return [...lines.slice(0, TITLE_LINES - 1), `${lines[TITLE_LINES - 1]?.slice(0, TITLE_LETTERS - 1)}…`];
}

/** The language and as many genres as leave room for the certificate at the right. */
function footerOf({ language, genres }: PosterSubject): string {
  const parts = [language.slice(0, FOOTER_LETTERS)];
  for (const genre of genres) {
    if ([...parts, genre].join(SEPARATOR).length <= FOOTER_LETTERS) parts.push(genre);
  }
  return parts.join(SEPARATOR).toUpperCase();
}

const escapeXml = (text: string): string =>
  // Control characters have no place in XML at all, not even escaped.
  text.replace(/\p{Cc}/gu, '').replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
