package profilefile

import (
	"io"
	"time"

	"voted/internal/profile"
	"voted/internal/profilefile/abif"
	"voted/internal/profilefile/ballots"
	"voted/internal/profilefile/blt"
	"voted/internal/profilefile/cvr"
	"voted/internal/profilefile/preflib"
	"voted/internal/profilefile/rctab"
)

// Write writes a profile as a kind of file, sorted by content. name is the name of the
// election in names of files; now is the time of the report. A
// *profile.UnwritableError says why these ballots cannot be written so; nothing is then
// written. Other errors are the writer's.
func Write(w io.Writer, p *profile.Profile, kind Kind, name string, now time.Time) error {
	switch kind {
	case CSV:
		return ballots.WriteCSV(w, p)
	case BLT:
		return blt.Write(w, p)
	case PrefLib:
		return preflib.Write(w, p, name, now.UTC().Format(time.DateOnly))
	case ABIF:
		return abif.Write(w, p)
	case CVR:
		return cvr.Write(w, p, now.UTC().Format(time.RFC3339))
	case RCTab:
		return rctab.Write(w, p)
	case NDJSON:
	}
	return ballots.WriteNDJSON(w, p)
}
