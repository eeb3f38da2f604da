// Package ballotjson reads ballots in JSON, as the API takes them: alone, and one a line
// among many. Whoever reads such a line reads it here, so that one line means one ballot
// everywhere: what is unknown, misspelt or there twice is refused, never ignored.
package ballotjson
