// Package profilefile reads and writes profiles of ballots in the formats of other
// programs. It finds out which format a file has; each format has a package of its own
// below this one.
//
// Reading is strict: a file that is cut short, that is of another format or that says
// something twice is refused as a whole, in a sentence with the line and the column.
package profilefile
