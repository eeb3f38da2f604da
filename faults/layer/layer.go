package layer

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// Layer is one kind of fault injection.
type Layer struct {
	ID    string // such as L4
	Title string
	Root  bool     // whether it needs root
	Tools []string // commands that it needs
	// Floors are how many faults a run must make.
	Floors []Floor
	// Run makes the faults and judges what came of them. It must end soon after ctx ends,
	// and leave nothing: no process, mount, loop device or namespace.
	Run func(ctx context.Context, r *Run) error
}

// Floor is how many faults of a kind a run must make.
type Floor struct {
	Kind string
	CI   int // in every CI run
	Long int // in a longer one
}

// Missing returns why the layer cannot run here, "" if it can.
func (l *Layer) Missing() string {
	var missing []string
	if l.Root && os.Geteuid() != 0 {
		missing = append(missing, "root")
	}
	for _, tool := range l.Tools {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, "the command "+tool)
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return "it needs " + strings.Join(missing, " and ")
}

// Scale says how many faults a run makes: it turns a Floor into a number.
type Scale struct {
	long  bool
	times float64
}

// ParseScale reads "ci", "long" or a factor of the CI floors such as "3x" or "0.1x".
func ParseScale(text string) (Scale, error) {
	switch text {
	case "ci":
		return Scale{times: 1}, nil
	case "long":
		return Scale{long: true, times: 1}, nil
	}
	digits, ok := strings.CutSuffix(strings.TrimSuffix(text, "×"), "x")
	if !ok {
		digits, ok = strings.CutSuffix(text, "×")
	}
	times, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(times > 0 && times <= 10_000) {
		return Scale{}, fmt.Errorf("--floor is ci, long, or a factor of the CI floors such as 3x or 0.1x, not %q", text)
	}
	return Scale{times: times}, nil
}

// Of returns the scaled floor, at least 1.
func (s Scale) Of(f Floor) int {
	if s.long {
		return f.Long
	}
	return max(1, int(float64(f.CI)*s.times))
}
