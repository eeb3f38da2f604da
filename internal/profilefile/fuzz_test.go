package profilefile

import (
	"bytes"
	"testing"

	"voted/internal/profile"
)

// Whatever is read can be written as the same kind of file, and read again as the same
// ballots.
func fuzz(f *testing.F, kind Kind, seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := Read(bytes.NewReader(text), Asked{Kind: kind})
		if err != nil {
			return
		}
		const most = 1000 // a record for each takes time
		if (kind == CVR || kind == RCTab) && found.Ballots() > most {
			return
		}
		var file bytes.Buffer
		if err := Write(&file, found.Profile, kind, "board", noon); err != nil {
			return // a format reads more than it writes
		}
		if kind == PrefLib && len(found.Groups) == 0 {
			return
		}
		again, err := Read(bytes.NewReader(file.Bytes()), Asked{Kind: kind, Form: found.Form, FormTold: kind == ABIF || kind == PrefLib || kind == CVR, Options: optionsOf(kind, found)})
		if err != nil {
			t.Fatalf("%q is read as %s, and written as\n%s\nwhich is refused: %v", text, shown(found.Profile), file.Bytes(), err)
		}
		same(t, string(text), again.Profile, found.Profile, kind != PrefLib)
	})
}

// optionsOf returns the options that a file of this kind does not list itself.
func optionsOf(kind Kind, found *Found) []profile.Option {
	if kind == NDJSON || kind == CSV {
		return found.Options
	}
	return nil
}

func FuzzNDJSON(f *testing.F) { fuzz(f, NDJSON, ndjsonFile) }

func FuzzCSV(f *testing.F) { fuzz(f, CSV, csvFile) }

func FuzzBLT(f *testing.F) { fuzz(f, BLT, bltFile) }

func FuzzPrefLib(f *testing.F) { fuzz(f, PrefLib, soiFile) }

func FuzzABIF(f *testing.F) { fuzz(f, ABIF, abifFile) }

func FuzzCVR(f *testing.F) { fuzz(f, CVR, cvrFile) }

func FuzzRCTab(f *testing.F) { fuzz(f, RCTab, rctabFile) }

// FuzzFind finds the kind of any file, and reads it.
func FuzzFind(f *testing.F) {
	for _, seed := range []string{ndjsonFile, csvFile, bltFile, soiFile, abifFile, cvrFile, rctabFile} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if found, err := Read(bytes.NewReader(text), Asked{}); err == nil && found.Ballots() < 0 {
			t.Fatalf("%q: %d ballots", text, found.Ballots())
		}
	})
}
