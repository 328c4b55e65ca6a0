// Whether somebody can see an element of the page: what is dear to find out need not be found out for what nobody has scrolled to.

/** It is as good as in sight this near to it: what is scrolled to stands there already. */
const NEAR = '200px';

/** `change` hears it at first, and whenever it comes into sight or leaves it. Returns a function that ends it. */
export function followSight(element: Element, change: (inSight: boolean) => void): () => void {
  const observer = new IntersectionObserver(
    (entries) => {
      const newest = entries.at(-1);
      if (newest !== undefined) change(newest.isIntersecting);
    },
    { rootMargin: NEAR },
  );
  observer.observe(element);
  return () => {
    observer.disconnect();
  };
}
