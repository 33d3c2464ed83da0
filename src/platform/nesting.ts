/** How deep a JSON value that is stored may be nested. Beyond it whoever writes or reads it may run out of stack. */
export const MAX_NESTING = 200;

/** Whether lists and objects are nested in each other deeper than that. */
export function isNestedTooDeep(value: unknown): boolean {
  const isContainer = (each: unknown): each is object => each !== null && typeof each === 'object';
  let level = [value].filter(isContainer);
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > MAX_NESTING) return true;
    level = level.flatMap((each) => Object.values(each).filter(isContainer));
  }
  return false;
}
