// What is wrong with a new password that the page sees itself; the server looks at it again, and knows the common ones.

export const SHORTEST = 8;
const LONGEST = 256;

/**
 * The server's own code for it.
 *
 * @param {string} password @param {string} name
 * @returns {"password_short"|"password_long"|"password_repeats"|"password_name"|""}
 */
export function faultOf(password, name) {
  const plain = password.toLowerCase();
  const length = [...password].length;
  if (length < SHORTEST) return "password_short";
  if (length > LONGEST) return "password_long";
  if (new Set(plain).size < 4) return "password_repeats";
  const own = name.trim().toLowerCase();
  return (own.length > 2 && plain.includes(own)) || own.includes(plain) ? "password_name" : "";
}
