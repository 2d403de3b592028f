// What is wrong with a new password that the page sees itself; the server looks at it again, and knows the common ones.

export const SHORTEST = 8;

/** @param {string} password @param {string} name @returns {"short"|"same"|"name"|""} */
export function faultOf(password, name) {
  const plain = password.toLowerCase();
  if ([...password].length < SHORTEST) return "short";
  if (new Set(plain).size < 4) return "same";
  const own = name.trim().toLowerCase();
  return own && (plain.includes(own) || own.includes(plain)) ? "name" : "";
}
