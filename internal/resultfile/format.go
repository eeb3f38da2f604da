package resultfile

import (
	"fmt"
	"io"
)

// Format is a way to write a count.
type Format string

// The formats.
const (
	CSV    Format = "csv"    // rounds, else pairs, else votes
	Pairs  Format = "pairs"  // the pairwise matrix, in CSV
	RCTab  Format = "rctab"  // RCTab's summary, in JSON
	Report Format = "report" // plain text
)

// UnfitError says in a sentence why an outcome has nothing to write in a format.
type UnfitError struct{ Detail string }

func (e *UnfitError) Error() string { return e.Detail }

// Write writes a count in a format. After an *UnfitError nothing has been written; other
// errors are the writer's.
func Write(w io.Writer, c *Count, f Format) error {
	switch f {
	case CSV:
		return WriteCSV(w, c)
	case Pairs:
		if len(c.Pairwise) == 0 {
			return &UnfitError{"this method compares no pairs; use csv, or count by a method that does, such as schulze"}
		}
		return WritePairwise(w, c)
	case RCTab:
		return WriteRCTab(w, c)
	case Report:
		return WriteReport(w, c)
	}
	return fmt.Errorf("there is no format %q of results", string(f))
}
