package verify

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strings"

	"voted/cmd/voted/display"
	"voted/proof"
)

// Log is a published log as a directory has it: the file checkpoint, and tiles below tile
// (c2sp.org/tlog-tiles). It is for one goroutine.
type Log struct {
	files      fs.FS
	note       []byte
	checkpoint proof.Checkpoint
	tree       proof.Tree
	err        error // of reading entries, which an iterator cannot return
}

// maxFileBytes is the longest file that a log may have: a bundle of 256 whole entries.
const maxFileBytes = proof.TileWidth * (2 + proof.MaxEntryBytes)

// OpenLog reads the checkpoint of a log. Nothing of it was checked then.
func OpenLog(files fs.FS) (*Log, error) {
	note, err := readFile(files, "checkpoint")
	if err != nil {
		return nil, err
	}
	n, err := proof.ParseNote(note)
	if err != nil {
		return nil, fmt.Errorf("the file checkpoint: %w", err)
	}
	c, err := proof.ParseCheckpoint(n.Text)
	if err != nil {
		return nil, fmt.Errorf("the file checkpoint: %w", err)
	}
	return &Log{files: files, note: note, checkpoint: c}, nil
}

func readFile(files fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(files, name)
	if err == nil && info.Size() > maxFileBytes {
		return nil, fmt.Errorf("%w: the file %s has %d bytes", proof.ErrMalformed, name, info.Size())
	}
	b, err := fs.ReadFile(files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no file %s in the directory of the log", proof.ErrMissing, name)
	}
	return b, err
}

// Size returns how many entries the checkpoint of the log says there are.
func (l *Log) Size() uint64 { return l.checkpoint.Size }

// Entries is a proof.Entries. What goes wrong is kept in err, and ends it.
func (l *Log) Entries(from, to uint64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for n := from / proof.TileWidth; n*proof.TileWidth < to; n++ {
			first := n * proof.TileWidth
			entries, err := l.bundle(n, int(min(proof.TileWidth, l.Size()-first)))
			if err != nil {
				l.err = err
				return
			}
			for i := max(from, first); i < min(to, first+uint64(len(entries))); i++ {
				if !yield(entries[i-first]) {
					return
				}
			}
		}
	}
}

// bundle reads the entries of one tile. A log may have kept the whole bundle only.
func (l *Log) bundle(n uint64, width int) ([][]byte, error) {
	tile := proof.Tile{Level: proof.EntryBundle, Number: n, Width: width}
	b, err := readFile(l.files, tile.Path())
	if errors.Is(err, proof.ErrMissing) && width < proof.TileWidth {
		whole := tile
		whole.Width = proof.TileWidth
		if more, wholeErr := readFile(l.files, whole.Path()); wholeErr == nil {
			entries, err := proof.ParseBundle(more, proof.TileWidth)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", whole.Path(), err)
			}
			return entries[:width], nil
		}
	}
	if err != nil {
		return nil, err
	}
	entries, err := proof.ParseBundle(b, width)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tile.Path(), err)
	}
	return entries, nil
}

// view returns the tree of the first entries, whatever the checkpoint says of it.
func (l *Log) view(size uint64) (*proof.View, error) {
	if size > l.Size() {
		return nil, fmt.Errorf("%w: the log in the directory has %s entries, and %s are needed; fetch it again", proof.ErrMissing, display.Int(l.Size()), display.Int(size))
	}
	err := l.tree.Grow(size, l.Entries)
	if l.err != nil {
		return nil, l.err
	}
	if err != nil {
		return nil, err
	}
	return l.tree.At(size, l.Entries)
}

// root returns the root of the first entries.
func (l *Log) root(size uint64) (proof.Hash, error) {
	v, err := l.view(size)
	if err != nil {
		return proof.Hash{}, err
	}
	h, err := v.Root()
	if l.err != nil {
		return proof.Hash{}, l.err
	}
	return h, err
}

// whole checks that the entries are those of the log's own checkpoint.
func (l *Log) whole() error {
	root, err := l.root(l.Size())
	if err != nil {
		return err
	}
	if root != l.checkpoint.Root {
		return fmt.Errorf("%w: the %s entries of the directory are not those of its checkpoint%s", proof.ErrNotInTree, display.Int(l.Size()), l.firstWrong())
	}
	return nil
}

// begins checks that the log, whole, begins as a head says that was checked.
func (l *Log) begins(c proof.Checkpoint) error {
	if c.Origin != l.checkpoint.Origin {
		return fmt.Errorf("%w: the directory has the log of %s, and the file is of %s", proof.ErrOrigin, l.checkpoint.Origin, c.Origin)
	}
	if err := l.whole(); err != nil {
		return err
	}
	root, err := l.root(c.Size)
	if err != nil {
		return err
	}
	if root != c.Root {
		return fmt.Errorf("%w: the directory has other entries up to %s than the ones that were signed", proof.ErrInconsistent, display.Int(c.Size))
	}
	return nil
}

// ends checks that a closing entry is the last of the log, behind as many ballots as it names.
func (l *Log) ends(closing []byte, number uint64) error {
	c, err := proof.ParseClosingEntry(closing)
	if err != nil {
		return err
	}
	if uint64(c.Records) != number-1 || l.Size() != number+1 {
		return fmt.Errorf("%w: entry %s closes the poll with %s, and the log has %s", proof.ErrEnded,
			display.Int(number), plural(uint64(c.Records), "ballot"), entriesOf(l.Size()))
	}
	return nil
}

// firstWrong names the first entry that is not what the hashes beside it say, if they say
// anything: "; entry 4,711 was changed".
func (l *Log) firstWrong() string {
	for t := range proof.Tiles(0, l.Size()) {
		if t.Level != 0 {
			continue
		}
		hashes, err := readFile(l.files, t.Path())
		if err != nil {
			return ""
		}
		i := 0
		first := t.Number * proof.TileWidth
		for e := range l.Entries(first, first+uint64(t.Width)) {
			leaf := proof.LeafHash(e)
			if len(hashes) >= (i+1)*len(leaf) && !bytes.Equal(leaf[:], hashes[i*len(leaf):(i+1)*len(leaf)]) {
				return fmt.Sprintf("; the first that was changed is entry %s", display.Int(first+uint64(i)))
			}
			i++
		}
	}
	return ""
}

// CheckLog checks a whole published log: that a quorum signed it, that each entry is the one
// that was signed, that the tiles follow from the entries, and what Count checks.
func CheckLog(l *Log, p *proof.Policy, w Words) *Verdict {
	h, err := p.Check(l.note)
	if err != nil {
		return because(err)
	}
	if h.Size == 0 {
		return refuse(Wrong, "The log of %s is empty: it does not even have the definition of the poll.", h.Origin)
	}
	if err := l.whole(); err != nil {
		return because(err)
	}
	count, err := l.count()
	if err != nil {
		return because(err)
	}
	if err := l.checkTiles(); err != nil {
		return because(err)
	}
	replaced := uint64(count.Replaced())
	v := &Verdict{Outcome: Right, Records: uint64(count.Records), Voters: uint64(count.Voters), Replaced: &replaced, Closed: count.Closing != nil}
	v.head(h)
	state := "The poll is not closed in it"
	if v.Closed {
		state = "The poll is closed, and nothing follows"
	}
	v.Sentences = []string{
		fmt.Sprintf("%s, %s, %s replaced. %s. %s.", plural(v.Records, "record"), plural(v.Voters, "voter"), display.Int(replaced), state, w.signers(p, h)),
		"No voter has two ballots that count, and each replacement names the ballot that it replaces.",
	}
	return v
}

func (l *Log) count() (*proof.Count, error) {
	var c proof.Count
	for e := range l.Entries(0, l.Size()) {
		if err := c.Add(e); err != nil {
			return nil, err
		}
	}
	return &c, l.err
}

// checkTiles checks that the tiles of hashes follow from the entries.
func (l *Log) checkTiles() error {
	v, err := l.view(l.Size())
	if err != nil {
		return err
	}
	for t := range proof.Tiles(0, l.Size()) {
		if t.Level == proof.EntryBundle {
			continue
		}
		b, err := readFile(l.files, t.Path())
		if err != nil {
			return err
		}
		want, err := v.Tile(t)
		if err != nil {
			return err
		}
		if !bytes.Equal(b, proof.AppendHashes(nil, want)) {
			return fmt.Errorf("%w: the file %s does not follow from the entries", proof.ErrNotInTree, t.Path())
		}
	}
	return nil
}

// detailOf is an error of package proof without what kind it is of.
func detailOf(err error) string {
	text := err.Error()
	for _, r := range reasons {
		text = strings.ReplaceAll(text, r.err.Error()+": ", "")
	}
	return text
}
