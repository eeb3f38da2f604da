package display

import (
	"strings"

	"voted/internal/console"
)

// Meter draws progress: a bar on a track that shows how much is left.
func (o *Output) Meter(share float64, width int) Painted {
	bar := strings.TrimRight(console.Bar(share, width), " ")
	return o.Paint(Cyan, bar) + o.Paint(Dim, console.Track(bar, width))
}
