// Package display lays out the text output of the commands: tables, bars, results and
// views that change in place. It fits the width of the terminal and uses colour only on a
// terminal, unless NO_COLOR is set. Colour never carries meaning alone.
package display
