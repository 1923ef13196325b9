// The twelve films of the demo catalog. Titles and stories are invented.

import type { PosterArt } from './poster.ts';

export interface DemoMovie {
  readonly id: string;
  readonly title: string;
  readonly language: string;
  readonly certificate: 'U' | 'UA 7+' | 'UA 13+' | 'UA 16+' | 'A';
  readonly runtimeMinutes: number;
  readonly genres: readonly string[];
  readonly synopsis: string;
  readonly art: PosterArt;
}

const art = (
  motif: PosterArt['motif'],
  sky: [string, string, string],
  light: string,
  dark: string,
  accent: string,
) => ({
  motif,
  palette: { sky, light, dark, accent },
});

export const DEMO_MOVIES: readonly DemoMovie[] = [
  {
    id: 'monsoon-ledger',
    title: 'Monsoon Ledger',
    language: 'Hindi',
    certificate: 'UA 13+',
    runtimeMinutes: 138,
    genres: ['Thriller', 'Drama'],
    synopsis: 'An accountant finds the same rain-soaked signature in forty years of closed files, and it is her own.',
    art: art('rain', ['#0e2a3b', '#27637a', '#08161f'], '#dff3f7', '#06141c', '#f25f4c'),
  },
  {
    id: 'saffron-circuit',
    title: 'Saffron Circuit',
    language: 'Tamil',
    certificate: 'UA 13+',
    runtimeMinutes: 149,
    genres: ['Action', 'Sport'],
    synopsis: 'The last independent racing team in Coimbatore has one season, one engine and nine days to build a car.',
    art: art('circuit', ['#3b1002', '#c8470c', '#1d0801'], '#fff0d8', '#260a01', '#ffb703'),
  },
  {
    id: 'paper-boats',
    title: 'Paper Boats of Alleppey',
    language: 'Malayalam',
    certificate: 'U',
    runtimeMinutes: 118,
    genres: ['Family', 'Comedy'],
    synopsis: 'Two sisters fold a letter into every boat until the backwaters begin to answer.',
    art: art('boats', ['#ffb38a', '#2f8f9d', '#0b3c49'], '#fff7ec', '#08323d', '#ef476f'),
  },
  {
    id: 'signal-nine',
    title: 'Midnight at Signal Nine',
    language: 'Hindi',
    certificate: 'UA 16+',
    runtimeMinutes: 127,
    genres: ['Horror', 'Mystery'],
    synopsis: 'A night-shift signalman stops trains that are on no timetable, and then one stops for him.',
    art: art('signal', ['#05060f', '#1b1f4b', '#04040a'], '#dfe3ff', '#020208', '#e63946'),
  },
  {
    id: 'zero-east',
    title: 'Zero Degrees East',
    language: 'English',
    certificate: 'UA 13+',
    runtimeMinutes: 132,
    genres: ['Adventure', 'Science fiction'],
    synopsis: 'When every clock on Earth drifts by a second a day, three map-makers walk the line where time begins.',
    art: art('meridian', ['#08233a', '#0f6e84', '#051520'], '#e0fbfc', '#04121c', '#ffd166'),
  },
  {
    id: 'lamplighter',
    title: "The Lamplighter's Daughter",
    language: 'Kannada',
    certificate: 'U',
    runtimeMinutes: 124,
    genres: ['Fantasy', 'Family'],
    synopsis: 'In a town that has never had a night, a girl inherits the work of putting one back together.',
    art: art('lamp', ['#2b1055', '#7a4419', '#1a0a2e'], '#ffe9b8', '#180826', '#ff9f1c'),
  },
  {
    id: 'thunder-hampi',
    title: 'Thunder over Hampi',
    language: 'Kannada',
    certificate: 'UA 13+',
    runtimeMinutes: 158,
    genres: ['Epic', 'Action'],
    synopsis: 'A stonemason and a runaway prince must keep a kingdom standing for the length of one storm.',
    art: art('ruins', ['#4a2c2a', '#bb6b3a', '#21110f'], '#fff1d0', '#1d0f0c', '#f4a259'),
  },
  {
    id: 'kite-colony',
    title: 'Kite War Colony',
    language: 'Gujarati',
    certificate: 'U',
    runtimeMinutes: 112,
    genres: ['Comedy', 'Romance'],
    synopsis: 'Two terraces, one feud, four hundred metres of string, and the wind that takes no side.',
    art: art('kites', ['#118ab2', '#73d2de', '#073b4c'], '#fffdf5', '#06303e', '#ef476f'),
  },
  {
    id: 'orbit-silence',
    title: 'Orbit of Silence',
    language: 'English',
    certificate: 'UA 7+',
    runtimeMinutes: 141,
    genres: ['Science fiction', 'Drama'],
    synopsis: 'The relay station answers every call but one, and its engineer has begun to keep that one for herself.',
    art: art('orbit', ['#0a0618', '#3c1874', '#07040f'], '#efe9ff', '#06030d', '#ff6f91'),
  },
  {
    id: 'platform-four',
    title: 'Platform Four Chai',
    language: 'Marathi',
    certificate: 'U',
    runtimeMinutes: 109,
    genres: ['Drama', 'Slice of life'],
    synopsis: 'A tea stall, a two-minute halt, and twenty years of the same conversation, a sentence at a time.',
    art: art('steam', ['#5b3716', '#d9a05b', '#2b1807'], '#fff6e5', '#2a1606', '#e07a5f'),
  },
  {
    id: 'map-of-salt',
    title: 'The Map of Salt',
    language: 'Hindi',
    certificate: 'UA 13+',
    runtimeMinutes: 144,
    genres: ['Adventure', 'Mystery'],
    synopsis: 'In the white desert a surveyor follows contour lines that someone else is still drawing.',
    art: art('contours', ['#274046', '#8fb9aa', '#10201f'], '#f5fff9', '#0d1a19', '#f26419'),
  },
  {
    id: 'neelam-tigers',
    title: 'Neelam and the Tigers',
    language: 'Bengali',
    certificate: 'UA 7+',
    runtimeMinutes: 121,
    genres: ['Adventure', 'Family'],
    synopsis: 'The honey gatherers say the forest counts everyone who enters. This year it counts one too many.',
    art: art('stripes', ['#0b3d20', '#4f9d3a', '#062013'], '#f9ffe8', '#08200f', '#ff8c1a'),
  },
];
