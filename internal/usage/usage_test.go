package usage

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestAFaultOfUsageIsKnownWhateverWrapsItAndReadsAsItsSentence(t *testing.T) {
	t.Parallel()
	made := Errorf("there is no file %s: %w", "a", fs.ErrNotExist)
	for name, err := range map[string]error{
		"made":         made,
		"marked":       Mark(fmt.Errorf("there is no file a: %w", fs.ErrNotExist)),
		"marked twice": Mark(Mark(made)),
		"joined":       errors.Join(made, nil),
	} {
		if !Is(err) || !errors.Is(err, fs.ErrNotExist) || err.Error() != "there is no file a: file does not exist" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if wrapped := fmt.Errorf("config: %w", made); !Is(wrapped) {
		t.Errorf("it is not known in %q", wrapped)
	}
}

func TestNothingAndOtherErrorsAreNoFaultsOfUsage(t *testing.T) {
	t.Parallel()
	if Mark(nil) != nil || Is(nil) || Is(fs.ErrNotExist) {
		t.Error("what was not marked is taken for a fault of usage")
	}
}
