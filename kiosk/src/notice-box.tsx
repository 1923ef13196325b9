// What is to be said to the visitor now, with what they may do about it.

import type { JSX } from 'preact';
import type { Notice } from './show-session.ts';

export function NoticeBox({ notice }: { notice: Notice | undefined }): JSX.Element {
  // The region stays while its text comes and goes: that is what makes screen readers say it.
  return (
    <div role="alert">
      {notice !== undefined && (
        <div class={`notice notice-${notice.kind}`} data-testid={notice.kind === 'refusal' ? 'refusal' : 'info'}>
          <p>{notice.text}</p>
          {notice.actions?.map(({ label, run }, at) => (
            <button
              type="button"
              class="quiet"
              key={label}
              onClick={run}
              data-testid={at === 0 ? 'suggestion' : 'suggestion-else'}
            >
              {label}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
