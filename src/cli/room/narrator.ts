// What a person sees while a demo runs: lines about what happens, and a progress bar where there is a terminal to draw it on.

import cliProgress from 'cli-progress';

type Unit = 'step' | 'second';

export interface Narrator {
  /** One line about something that happened. */
  say(line: string): void;
  /** How far the run is, in the unit of its stretch; `note` is short and may change with every call. */
  progress(done: number, note: string): void;
  /** A new stretch of so many steps, or seconds. */
  begin(title: string, total: number, unit?: Unit): void;
  /** Takes the bar down, so that others can write. */
  end(): void;
}

/** With neither terminal nor reader: for `--json` into a file. */
const silentNarrator: Narrator = {
  say: () => undefined,
  progress: () => undefined,
  begin: () => undefined,
  end: () => undefined,
};

/** Lines only: for a pipe, a log, a terminal that cannot move its cursor. One line of progress for every tenth of the way. */
function plainNarrator(out: NodeJS.WritableStream): Narrator {
  let total = 1;
  let unit: Unit = 'step';
  let tenths = 0;
  const say = (line: string): void => {
    out.write(`${line}\n`);
  };
  return {
    say,
    begin(title, length, of = 'step') {
      total = length;
      unit = of;
      tenths = 0;
      say(title);
    },
    progress(done, note) {
      const now = Math.floor((done / total) * 10);
      if (now <= tenths) return;
      tenths = now;
      say(`  ${unit} ${done} of ${total} · ${note}`);
    },
    end: () => undefined,
  };
}

/** A bar that stays at the bottom, with the lines above it. */
function barNarrator(out: NodeJS.WritableStream): Narrator {
  let bars: cliProgress.MultiBar | undefined;
  let bar: cliProgress.SingleBar | undefined;
  const end = (): void => {
    bars?.stop();
    bars = undefined;
    bar = undefined;
  };
  return {
    say(line) {
      if (bars === undefined) {
        out.write(`${line}\n`);
        return;
      }
      bars.log(`${line}\n`);
      bars.update();
    },
    begin(title, total, unit = 'step') {
      end();
      out.write(`${title}\n`);
      bars = new cliProgress.MultiBar(
        {
          stream: out,
          format: `  {bar} {value}/{total}${unit === 'second' ? ' s' : ''} · {note}`,
          barsize: 30,
          clearOnComplete: true,
          hideCursor: true,
          gracefulExit: false,
        },
        cliProgress.Presets.rect,
      );
      bar = bars.create(total, 0, { note: 'starting' });
    },
    progress(done, note) {
      bar?.update(done, { note });
    },
    end,
  };
}

/** The narrator that fits where the output goes. `json`: stdout is for the result alone. */
export function chooseNarrator(json: boolean): Narrator {
  if (json) return process.stderr.isTTY ? barNarrator(process.stderr) : silentNarrator;
  const canMove = process.stdout.isTTY && process.env['TERM'] !== 'dumb';
  return canMove ? barNarrator(process.stdout) : plainNarrator(process.stdout);
}
