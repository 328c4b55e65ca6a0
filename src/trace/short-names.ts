// Ids as they are shown: their first hex digits, as many everywhere, so that a sentence, a diagram and the lab name a rank alike.

const DIGITS = 4;
/** What tells two apart that begin alike. */
const MORE = 2;

/** The first four hex digits of an id: enough to tell the members of a room apart. */
export const shortId = (id: string): string => id.slice(0, DIGITS);

/** Short names of which each is one member's alone, for what is found by its name: of two that begin alike, the later one's is longer. */
export function shortNames(): (id: string) => string {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  return (id) => {
    const known = names.get(id);
    if (known !== undefined) return known;
    let digits = DIGITS;
    while (digits < id.length && taken.has(id.slice(0, digits))) digits += MORE;
    const name = id.slice(0, digits);
    names.set(id, name);
    taken.add(name);
    return name;
  };
}
