package survey

import (
	"fmt"
	"strings"
	"time"

	"voted/internal/moment"
)

// What a member reports of itself, as sentences for an operator. Each is empty if all is
// well.

func backupsText(id string, b *Backups) string {
	if b == nil || !b.Failed && !b.Late {
		return ""
	}
	what := "no longer makes backups, though one is due"
	if b.Failed {
		what = "could not make its last scheduled backup, and tries again"
	}
	last := "It has made none yet"
	if !b.Last.IsZero() {
		last = "The last good one is of " + b.Last.UTC().Format(time.DateTime+"Z")
	}
	return fmt.Sprintf("%s %s. %s. Its log says why; make one by hand meanwhile (voted backup FILE).", id, what, last)
}

func staleText(id string, stale []StaleFile) string {
	if len(stale) == 0 {
		return ""
	}
	names := make([]string, len(stale))
	since := stale[0].Since
	for i, f := range stale {
		names[i] = f.Path
		if f.Since.Before(since) {
			since = f.Since
		}
	}
	return fmt.Sprintf("%s could not read again, since %s: %s. What it held before is in force, so that a token, key or certificate that was taken out is still taken. "+
		"Its log says what is wrong; correct the file.", id, since.UTC().Format(time.DateTime+"Z"), strings.Join(names, ", "))
}

// certificateSoon is how long before its end a certificate is reported.
const certificateSoon = 14 * 24 * time.Hour

func certificateText(id string, ends, now time.Time) string {
	switch left := ends.Sub(now); {
	case ends.IsZero() || left >= certificateSoon:
		return ""
	case left <= 0:
		return fmt.Sprintf("A certificate of %s ended at %s: new connections to it fail. Issue it again under the same name; it is taken without a restart.", id, ends.UTC().Format(time.DateTime+"Z"))
	default:
		return fmt.Sprintf("A certificate of %s ends at %s (%s). Issue it again under the same name; it is taken without a restart.", id, ends.UTC().Format(time.DateTime+"Z"), moment.Away(now, ends))
	}
}

// some names the first of many.
func some(names []string) string {
	const shown = 3
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}
