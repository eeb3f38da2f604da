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

// outcome is the result of opening a damaged directory.
type outcome int

const (
	refused  outcome = iota // with an error that names the file and the way back
	harmless                // everything is as it was
	silent                  // something is not as it was, and the store opens without an error
	unclear                 // refused, but the error does not name the file or the way back
)

// open writes a damaged directory to dir, opens it as the start of a member does, and looks
// at everything in it. The text explains the outcome.
func (d damaged) open(dir string, s *sample) (outcome, string, error) {
	if err := d.files.write(dir); err != nil {
		return 0, "", err
	}
	store, err := storage.Open(dir, storage.Options{})
	if err != nil {
		return refusal(err, dir)
	}
	defer store.Close() // its error only repeats an earlier one
	if err := store.Verify(nil); err != nil {
		return refusal(err, dir)
	}
	log, whole, err := digests(store, nil)
	switch {
	case err != nil:
		return silent, "it opens, and then: " + err.Error(), nil
	case d.logOnly && log == s.log, whole == s.whole:
		return harmless, "", nil
	}
	return silent, fmt.Sprintf("raft sees %s, and saw %s", log, s.log), nil
}

// refusal returns refused if a store's error names the file and the way back, else unclear.
// The text is that error's.
func refusal(err error, dir string) (outcome, string, error) {
	text := err.Error()
	if !errors.Is(err, storage.ErrDamaged) || !strings.Contains(text, filepath.Clean(dir)+string(filepath.Separator)) || !strings.Contains(text, "join again") {
		return unclear, text, nil
	}
	return refused, text, nil
}

// outcomes counts the outcomes of one kind of damage.
type outcomes struct {
	count [unclear + 1]int // by outcome
	first string           // the first damage that was silent or unclear
}

// damageSamples damages samples n times, and returns early if ctx ends. It works below dir,
// which it removes. each, if set, is called with every outcome and what explains it.
func damageSamples(ctx context.Context, dir, kind string, n int, dice *rand.Rand, each func(outcome, string)) (all outcomes, err error) {
	const perSample = 250
	var s *sample
	defer os.RemoveAll(dir)
	for i := range n {
		if ctx.Err() != nil {
			return all, ctx.Err()
		}
		if i%perSample == 0 {
			home := filepath.Join(dir, "home")
			if err := os.RemoveAll(home); err != nil {
				return all, err
			}
			if s, err = newSample(home, dice); err != nil {
				return all, err
			}
		}
		d := damage(kind, s, dice)
		o, text, err := d.open(filepath.Join(dir, "work"), s)
		if err != nil {
			return all, err
		}
		all.count[o]++
		text = d.what + ": " + text
		if o >= silent && all.first == "" {
			all.first = text
		}
		if each != nil {
			each(o, text)
		}
	}
	return all, nil
}

// storeRounds damages stores as often as the floors ask for.
func storeRounds(ctx context.Context, r *layer.Run, home string) error {
	for _, kind := range []string{kindFlip, kindZero, kindCut, kindStale, kindTorn} {
		all, err := damageSamples(ctx, filepath.Join(home, "store"), kind, r.Floor(kind), r.Rand(kind), func(o outcome, text string) {
			r.Fault(kind)
			if o == silent {
				r.Violation("O7", "silent: %s", text)
			} else if o == unclear {
				r.Violation("O7", "refused in a sentence that does not name the file and the way back: %s", text)
			} else if o == refused && kind == kindTorn {
				r.Violation("O7", "refused, though only the last append was torn: %s", text)
			}
		})
		if err != nil {
			return err
		}
		r.Count(kind+": refused in a sentence", float64(all.count[refused]))
		r.Count(kind+": without effect", float64(all.count[harmless]))
	}
	return nil
}

// FlipperCommand is the first argument with which this command is started as a
// negative control; a directory, a kind and a number of tries follow.
const FlipperCommand = "store-flipper"

// Flipper damages stores of this build of the product. It prints how often the damage was
// silent, and the first damage that was silent or unclear. It returns the exit code.
func Flipper(args []string, out io.Writer) int {
	if len(args) != 3 {
		return 2
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return 2
	}
	all, err := damageSamples(context.Background(), args[0], args[1], n, rand.New(rand.NewPCG(1, 2)), nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Fprintf(out, "%d %s\n", all.count[silent], all.first)
	return 0
}
