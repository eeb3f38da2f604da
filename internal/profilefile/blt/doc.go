// Package blt reads and writes BLT, the ballot file of programs that count single
// transferable votes (OpenSTV, OpaVote, droop):
//
//	3 2             three candidates, two seats
//	-3              candidate 3 has withdrawn
//	12 1 2 0        twelve ballots rank 1, then 2
//	4 2 - 1=3 0     four ballots rank 2, skip a rank, and have 1 and 3 at the next one
//	(v7) 2 0        one ballot, with its id
//	1 0             a blank ballot
//	0               the end of the ballots
//	"Ann"           the candidates, in order
//	"Bo"
//	"Cy"
//	"Board"         the title
//
// What follows a # on a line is a comment. A ballot may be written over several lines.
package blt
