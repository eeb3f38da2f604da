// Package display lays out what the commands show to people: tables, bars,
// results and views that change in place. It asks the terminal for its width,
// uses colour only where there is one (and NO_COLOR is not set), and says the
// same without: colour never carries meaning alone.
package display
