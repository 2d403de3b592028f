import assert from "node:assert/strict";
import test from "node:test";
import { readShape } from "../../../static/js/draw/sketch.js";
import { numbers } from "../../../static/js/words/coordinates.js";

/** @param {string} line @param {number[]} wanted */
const reads = (line, wanted) =>
  assert.deepEqual(
    numbers(line).map((n) => Math.round(n * 1e4) / 1e4),
    wanted,
    line,
  );

test("an O is asked about where its line does not say which side it is", () => {
  for (const line of [
    "60.1 N 24.9 O",
    "60.1 N, 24.9 O, 250 m",
    "24.9O 60.1N",
    "60.1 24.9 o",
    "33.8 S, 151.2 O.",
    "O 24°56'28\" N 60°10'11\"",
    "60.1 Nord 24.9 O",
    "33.8 Sud, 151.2 O",
    "60 N 24 O 61 N 25 L; 10 W",
  ])
    assert.throws(() => numbers(line), /O is east in German, but west in French/, line);
});

test("another word of the line says which side an O is", () => {
  reads("60 N 24 O 61 N 25 E", [60, -24, 61, 25]);
  reads("60 N 24 W 61 N 25 O", [60, -24, 61, 25]);
  reads("33.8 Süd, 151.2 O", [-33.8, 151.2]);
  reads("33.8 sur, 151.2 O", [-33.8, -151.2]);
  reads("23.5S 46.6O 23.4S 46.5L", [-23.5, -46.6, -23.4, 46.5]);
  reads("Breite 60.1 N, Länge 24.9 O", [60.1, 24.9]);
  reads("52.1 zuid 4.9 O", [-52.1, 4.9]);
});

test("sides are read as words of seven languages", () => {
  for (const north of [
    "N",
    "n.",
    "north",
    "North",
    "NORTH",
    "nord",
    "Norden",
    "nördlich",
    "norte",
    "noord",
    "degrees north",
    "° Nord",
  ])
    reads(`60.1 ${north}, 24.9 E`, [60.1, 24.9]);
  for (const south of ["S", "s", "south", "Süd", "Su\u0308d", "Sued", "sud", "sur", "Sul", "Zuid", "z"])
    reads(`60.1 ${south} 24.9 E`, [-60.1, 24.9]);
  for (const east of ["E", "east", "Ost", "östlich", "est", "Este", "leste", "oost"])
    reads(`60.1 N 24.9 ${east}`, [60.1, 24.9]);
  for (const west of ["W", "w", "West", "west.", "westlich", "Ouest", "OUEST", "oeste", "Ovest"]) {
    reads(`60.1 N 24.9 ${west}`, [60.1, -24.9]);
    reads(`24.9 ${west}, 60.1 N`, [60.1, -24.9]);
    reads(`N 60.1, ${west} 24.9, 250 m`, [60.1, -24.9, 250]);
  }
  reads("lat: 60.1, lon: 24.9", [60.1, 24.9]);
  reads("Lon 24.9 Lat 60.1", [60.1, 24.9]);
  reads("longitude=24.9W latitude=60.1S", [-60.1, -24.9]);
});

test("a word nobody knows refuses the line, not the sign", () => {
  for (const line of [
    "60.1 X 24.9 E",
    "60.1 N 24.9 Wset",
    "60.1 pohjoista, 24.9 länttä",
    "60.1 N 24.9 East-ish",
    "60.1 N 24.9 EW",
    "60.1, 24.9, 250 yards",
    "23.5 S 46.6 L",
  ])
    assert.throws(() => numbers(line), /not understood/, line);
  assert.throws(() => readShape("60.1 N 24.9 Quest, 250 m"), /“Quest” is not understood/);
});

test("an S behind seconds is the south, and seconds only where minutes are an m", () => {
  for (const line of [
    `33°51'24.8S 151°12'33.5E`,
    `33°51'24.8"s, 151°12'33.5"e`,
    `S33°51'24.8 E151°12'33.5`,
    "33d51m24.8s S 151d12m33.5s E",
    "33 51 24.8 S 151 12 33.5 E",
    "S 33 51 24.8 E 151 12 33.5",
    "33:51:24.8 S 151:12:33.5 E",
    "33 deg 51 min 24.8 sec south, 151 deg 12 min 33.5 sec east",
  ])
    reads(line, [-33.8569, 151.2093]);
  reads("60 10.2 N, 24 56.5 W, 250 m", [60.17, -24.9417, 250]);
  reads("60° 10.2 N 24° 56.5 E", [60.17, 24.9417]);
});

test("sides put latitude first in each place of a line", () => {
  reads("24.9E 60.1", [60.1, 24.9]);
  reads("60.1, 24.9 W", [60.1, -24.9]);
  reads("24E 60N 25W 61S", [60, 24, -61, -25]);
  reads("24.9 E, 60.1 N, 2 km", [60.1, 24.9, 2000]);
});

test("what contradicts itself or may be read two ways is refused", () => {
  for (const line of ["60 N, -24.9 E", "-60 N 24 E"]) assert.throws(() => numbers(line), /contradicts itself/, line);
  for (const line of ["60.1 N, 24.9 N", "24.9 E 60.1 W", "lat 60.1, lat 24.9", "60N 61N 24E 25E"])
    assert.throws(() => numbers(line), /in a row/, line);
  for (const line of [
    "60 24 E, 50",
    "lat 60.1 E, lon 24.9 N",
    "N 60.1 S, E 24.9",
    "60.1 N, 24.9, 250 E",
    "60N 24E 61 25",
    "N60.1 24.9 E",
    "S 60 W 24 N 61 E 25",
    "60.1° 24' N 24.9 E",
  ])
    assert.throws(() => numbers(line), Error, line);
  reads("-33.8 S, -151.2 W", [-33.8, -151.2]);
});

test("no sign and no point of a number is lost", () => {
  reads("–33.85, 151.2", [-33.85, 151.2]);
  reads("- 33.85, - 151.2", [-33.85, -151.2]);
  reads("60.1, .5", [60.1, 0.5]);
  reads("+60.1699-024.9412/", [60.1699, -24.9412]);
  for (const line of ["60.1-24.9", "60.1 - 24.9", "60.1.2, 24.9", "60.1, 24.9-"])
    assert.throws(() => numbers(line), /not a number/, line);
  assert.throws(() => numbers("60.1, 24.9, 1,5 km"), /belongs to a radius/);
  reads("60,1699; 24,9412; 1,5 km", [60.1699, 24.9412, 1500]);
  reads("60.1, 24.9, 100 ft", [60.1, 24.9, 30.48]);
  reads("60.1N 24.9E 250m", [60.1, 24.9, 250]);
});
