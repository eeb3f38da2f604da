package corruption

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"voted/faults/layer"
	"voted/internal/cluster/storage"
)

// outcome is what became of a damaged directory.
type outcome int

const (
	refused  outcome = iota // in a sentence
	harmless                // everything is as it was
	silent                  // it is not, and nobody said so
	unclear                 // refused, without the file or the way back
)

// open opens a damaged directory, as a start does, and looks at everything in it.
func (h harm) open(dir string, s *sample) (outcome, string, error) {
	if err := h.files.write(dir); err != nil {
		return 0, "", err
	}
	store, err := storage.Open(dir, storage.Options{})
	if err != nil {
		return refusal(err, dir)
	}
	defer store.Close() // after a fault it repeats the fault
	if err := store.Verify(nil); err != nil {
		return refusal(err, dir)
	}
	log, whole, err := see(store, nil)
	switch {
	case err != nil:
		return silent, "it opens, and then: " + err.Error(), nil
	case h.logOnly && log == s.log, whole == s.whole:
		return harmless, "", nil
	}
	return silent, fmt.Sprintf("raft sees %s, and saw %s", log, s.log), nil
}

// refusal judges the sentence.
func refusal(err error, dir string) (outcome, string, error) {
	text := err.Error()
	if !errors.Is(err, storage.ErrDamaged) || !strings.Contains(text, filepath.Clean(dir)+string(filepath.Separator)) || !strings.Contains(text, "join again") {
		return unclear, text, nil
	}
	return refused, text, nil
}

// tally counts outcomes of one kind.
type tally struct {
	by    [unclear + 1]int
	first string // the first that was silent or unclear
}

// campaign damages samples n times, and stops early once ctx ends.
func campaign(ctx context.Context, dir, kind string, n int, dice *rand.Rand, each func(outcome, string)) (t tally, err error) {
	const perSample = 250
	var s *sample
	defer os.RemoveAll(dir)
	for i := range n {
		if ctx.Err() != nil {
			return t, ctx.Err()
		}
		if i%perSample == 0 {
			home := filepath.Join(dir, "home")
			if err := os.RemoveAll(home); err != nil {
				return t, err
			}
			if s, err = newSample(home, dice); err != nil {
				return t, err
			}
		}
		h := damage(kind, s, dice)
		o, text, err := h.open(filepath.Join(dir, "work"), s)
		if err != nil {
			return t, err
		}
		t.by[o]++
		text = h.what + ": " + text
		if o >= silent && t.first == "" {
			t.first = text
		}
		if each != nil {
			each(o, text)
		}
	}
	return t, nil
}

// storeRounds damages stores as often as the floors ask for.
func storeRounds(ctx context.Context, r *layer.Run, home string) error {
	for _, kind := range []string{kindFlip, kindZero, kindCut, kindStale} {
		t, err := campaign(ctx, filepath.Join(home, "store"), kind, r.Floor(kind), r.Rand(kind), func(o outcome, text string) {
			r.Fault(kind)
			if o == silent {
				r.Violation("O7", "silent: %s", text)
			} else if o == unclear {
				r.Violation("O7", "refused without a file and a way back: %s", text)
			}
		})
		if err != nil {
			return err
		}
		r.Count(kind+": refused in a sentence", float64(t.by[refused]))
		r.Count(kind+": without effect", float64(t.by[harmless]))
	}
	return nil
}

// FlipperCommand is the first argument with which this command is started as a
// negative control; a directory, a kind and a number of tries follow.
const FlipperCommand = "store-flipper"

// Flipper damages stores with this build of the product and says what was silent.
func Flipper(args []string, out io.Writer) int {
	if len(args) != 3 {
		return 2
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return 2
	}
	t, err := campaign(context.Background(), args[0], args[1], n, rand.New(rand.NewPCG(1, 2)), nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Fprintf(out, "%d %s\n", t.by[silent], t.first)
	return 0
}
