package lookout

import (
	"context"
	"testing"
)

// saying is a network whose every peer gives the same answer.
type saying struct {
	Network
	answer []byte
}

func (s saying) Call(context.Context, string, string, []byte) ([]byte, error) { return s.answer, nil }

// FuzzReports checks that no report of a peer makes a member panic.
func FuzzReports(f *testing.F) {
	for _, seed := range []string{
		"", "\xff", `{"id":"n1","term":3,"now":"2026-11-27T07:00:00Z"}`, `{"index":7,"members":[{"id":"n1","peer":"h:1"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		_, _, _ = New("n1", saying{answer: answer}, nil).Ask(t.Context(), "", "h:1")
	})
}
