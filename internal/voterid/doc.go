// Package voterid decides which strings are voter ids, and when two ids are equal.
//
// Everything that receives a voter id from outside must call Canonical first and use
// what it returns: routes, rolls, credentials, tokens, files, the client and the
// commands. So one voter has one key, however a keyboard, a browser or a spreadsheet
// encoded the name.
//
// Two ids are the same voter if they are canonically equivalent in Unicode, that is, if
// they have the same NFC (Unicode Standard Annex #15): "Zoë" is one voter whether it
// has U+00EB or "e" and U+0308. Nothing else is made equal: "ann" and "Ann" are two
// voters, and so are "1" and the full-width "1".
//
// An id is 1 to MaxBytes bytes of UTF-8 in NFC, and a reader can distinguish its
// characters:
//
//   - no control characters
//   - no white space at either end; within, only the space and the ideographic space
//   - nothing that cannot be seen: zero width characters, joiners, direction controls,
//     the byte order mark, soft hyphens, fillers, tags and variation selectors
//   - no code point that has no meaning: unassigned ones, noncharacters, private use
//   - no letter with more than maxMarks marks
//   - neither "." nor "..", which a path cannot carry
//
// Unassigned code points are refused for one more reason. Unicode promises that the
// normalisation of assigned characters never changes, and promises nothing for
// unassigned ones. So a later version of Unicode may allow more ids, but never gives an
// id another key.
package voterid
