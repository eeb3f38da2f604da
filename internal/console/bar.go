package console

import (
	"math"
	"strings"
)

// eighths are the block elements that fill a cell from the left (U+2588–U+258F).
var eighths = [...]string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}

// Bar draws a share between 0 and 1, exact to an eighth of a column, padded to
// width.
func Bar(share float64, width int) string {
	if math.IsNaN(share) {
		share = 0
	}
	n := int(math.Round(min(max(share, 0), 1) * float64(8*width)))
	full, rest := n/8, n%8
	bar := strings.Repeat("█", full) + eighths[rest]
	return bar + strings.Repeat(" ", width-full-min(rest, 1))
}

// Track returns the rest of a bar's width, which shows how much is left.
func Track(bar string, width int) string {
	return strings.Repeat("·", max(0, width-len([]rune(bar))))
}
