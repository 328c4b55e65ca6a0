// A panel of the board: a heading, a word on what it shows, and room for a control at its right.

import type { ComponentChildren, JSX, Ref } from 'preact';

export interface PanelProps {
  readonly name: string;
  readonly title: string;
  readonly about?: string;
  readonly aside?: ComponentChildren;
  readonly place?: Ref<HTMLElement>;
  readonly children: ComponentChildren;
}

export const Panel = ({ name, title, about, aside, place, children }: PanelProps): JSX.Element => (
  <section ref={place ?? null} class={`panel ${name}`} aria-labelledby={`${name}-title`}>
    <div class="panel-head">
      <h2 id={`${name}-title`}>{title}</h2>
      {about !== undefined && <p class="muted">{about}</p>}
      {aside}
    </div>
    {children}
  </section>
);
