import { describe, expect, test } from 'vitest';
import { DEMO_MOVIES } from '../../src/catalog/demo-movies.ts';
import { drawPoster, type PosterSubject } from '../../src/catalog/poster.ts';

const subject: PosterSubject = {
  movieId: 'm1',
  title: 'A Film',
  language: 'Hindi',
  certificate: 'U',
  genres: ['Drama'],
};

describe('posters', () => {
  test('CAT-3 the twelve are distinct in drawing and colour, and name their film', () => {
    const posters = DEMO_MOVIES.map((movie) => drawPoster({ movieId: movie.id, ...movie }, movie.art));
    expect(new Set(posters).size).toBe(12);
    expect(new Set(DEMO_MOVIES.map((movie) => movie.art.motif)).size).toBe(12);
    for (const [at, poster] of posters.entries()) {
      const movie = DEMO_MOVIES[at];
      const words = movie?.title.split(' ')[0]?.replace("'", '&#39;') ?? '-';
      expect(poster).toContain(words);
      expect(poster).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  test('CAT-3 the same film is drawn the same each time, another one differently', () => {
    expect(drawPoster(subject)).toBe(drawPoster(subject));
    expect(drawPoster(subject)).not.toBe(drawPoster({ ...subject, movieId: 'm2' }));
  });

  test.each([
    '<script>alert(1)</script>',
    `"><image href='javascript:alert(1)'>`,
    'a\u0000b\u0007c',
    'x'.repeat(5000),
    'word '.repeat(500),
    '',
    'ತಮಿಳು தமிழ் हिन्दी',
  ])('CAT-3 whatever a title says, it stays text: %j', (title) => {
    const poster = drawPoster({ ...subject, title, language: title, certificate: title, genres: [title] });
    expect(poster).not.toMatch(/<script|<image|\p{Cc}/u);
    expect(poster.match(/"[^"]*"/g)?.join('')).not.toMatch(/[<>]/);
    const texts = [...poster.matchAll(/<text[^>]*font-size="4[28]"[^>]*>([^<]*)</g)].map((match) => match[1] ?? '');
    expect(texts.length).toBeLessThanOrEqual(3);
    for (const text of texts) expect(text.length).toBeLessThan(80);
  });
});
