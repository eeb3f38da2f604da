// Package textfile reads text files as people have them: with or without a byte order
// mark, in UTF-8, UTF-16 or an old encoding of one byte per character, with the line
// ends of any system, and tables whose columns are separated by commas, semicolons,
// tabs or pipes. A program can ask what was detected, to show it.
//
// Nothing is silently read as something else: a line with bytes that are no character
// is a [Fault] with its line and column, and the next line may be read. The package
// does no I/O of its own and knows nothing about ballots.
package textfile
