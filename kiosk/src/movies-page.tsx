// What is on: a city, a day, films and their times.

import type { Availability, City, Show } from '@housefull/client';
import { type Signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { answered } from './answered.ts';
import { house } from './house.ts';
import { dateOf, nextDays, timeText } from './india-time.ts';
import { inBrowser } from './kept.ts';
import type { Listed } from './listing.ts';
import { badgeOf, loadListing } from './movie-days.ts';
import { hrefOf } from './route.ts';
import { Problem, Waiting } from './small-parts.tsx';

const CITY_KEY = 'housefull.city';

export function MoviesPage(): JSX.Element {
  const cities = useSignal<readonly City[]>([]);
  const city = useSignal(inBrowser.get(CITY_KEY) ?? '');
  const date = useSignal(dateOf(house.nowMs()));
  const listing = useSignal<readonly Listed[] | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const tries = useSignal(0);

  useEffect(() => {
    void answered(house.cities()).then((answer) => {
      if (!answer.ok) {
        problem.value = answer.text;
        return;
      }
      // Until now only the clock of the device was known.
      if (cities.value.length === 0) date.value = dateOf(house.nowMs());
      cities.value = answer.value.items;
      const known = answer.value.items.some(({ id }) => id === city.value);
      if (!known) city.value = answer.value.items[0]?.id ?? '';
    });
  }, [tries.value]);

  useEffect(() => {
    if (cities.value.length === 0) return;
    let current = true;
    listing.value = undefined;
    problem.value = undefined;
    void loadListing(city.value, date.value).then((answer) => {
      if (!current) return;
      if (answer.ok) listing.value = answer.value;
      else problem.value = answer.text;
    });
    return () => {
      current = false;
    };
  }, [cities.value, city.value, date.value]);

  return (
    <main class="page">
      <Choices cities={cities.value} city={city} date={date} />
      {problem.value !== undefined && <Problem text={problem.value} again={() => tries.value++} />}
      {problem.value === undefined && listing.value === undefined && <Waiting what="Looking up what is on" />}
      {listing.value?.length === 0 && <p class="empty">Nothing more is on that day. Try another one.</p>}
      <div class="movies">
        {listing.value?.map((listed) => (
          <MovieCard key={listed.movie.id} listed={listed} />
        ))}
      </div>
    </main>
  );
}

interface ChoicesProps {
  readonly cities: readonly City[];
  readonly city: Signal<string>;
  readonly date: Signal<string>;
}

function Choices({ cities, city, date }: ChoicesProps): JSX.Element {
  const days = useMemo(() => nextDays(house.nowMs(), 7), [cities]);
  const choose = (id: string): void => {
    city.value = id;
    inBrowser.set(CITY_KEY, id);
  };
  return (
    <div class="choices">
      <label class="city">
        <span>City</span>
        <select value={city.value} onChange={(event) => choose(event.currentTarget.value)} data-testid="city">
          {cities.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <fieldset class="days" aria-label="Day">
        {days.map((day) => (
          <button
            key={day.date}
            type="button"
            class="day"
            aria-pressed={day.date === date.value}
            onClick={() => {
              date.value = day.date;
            }}
            data-testid="day"
            data-date={day.date}
          >
            <span>{day.name}</span>
            <strong>{day.number}</strong>
          </button>
        ))}
      </fieldset>
    </div>
  );
}

function MovieCard({ listed: { movie, theaters } }: { listed: Listed }): JSX.Element {
  return (
    <article class="movie" data-testid="show-card">
      <img class="poster" src={movie.posterUrl} alt="" width="200" height="300" loading="lazy" />
      <div class="movie-body">
        <h2>{movie.title}</h2>
        <p class="facts">
          <span class="certificate">{movie.certificate}</span>
          {movie.language} · {Math.floor(movie.runtimeMinutes / 60)} h {movie.runtimeMinutes % 60} min ·{' '}
          {movie.genres.join(', ')}
        </p>
        <p class="synopsis">{movie.synopsis}</p>
        {theaters.map(({ name, shows }) => (
          <section key={name} class="theater" aria-label={name}>
            <h3>{name}</h3>
            <div class="times">
              {shows.map((show) => (
                <TimeLink key={show.id} show={show} />
              ))}
            </div>
          </section>
        ))}
      </div>
    </article>
  );
}

const BADGE_WORDS: Readonly<Record<Availability['badge'], string>> = {
  available: 'Seats free',
  filling_fast: 'Filling fast',
  almost_full: 'Almost full',
  sold_out: 'Sold out',
  closed: 'Closed',
  cancelled: 'Cancelled',
};

function TimeLink({ show }: { show: Show }): JSX.Element {
  const link = useRef<HTMLAnchorElement>(null);
  const badge = useSignal<Availability['badge'] | undefined>(undefined);
  useEffect(() => {
    const element = link.current;
    if (element === null) return;
    let stop: (() => void) | undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        observer.disconnect();
        stop = badgeOf(show.id).subscribe((known) => {
          badge.value = known;
        });
      },
      { rootMargin: '200px' },
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      stop?.();
    };
  }, [show.id]);
  const known = badge.value;
  return (
    <a
      ref={link}
      class={`time badge-${known ?? 'unknown'}`}
      href={hrefOf({ page: 'show', showId: show.id })}
      data-testid="show-time"
      data-show={show.id}
      data-badge={known}
    >
      <strong>{timeText(show.startsAt)}</strong>
      <small>{show.screen.name}</small>
      <small class="badge">{known === undefined ? '\u00a0' : BADGE_WORDS[known]}</small>
    </a>
  );
}
