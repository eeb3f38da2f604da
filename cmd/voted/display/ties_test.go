package display

import (
	"testing"

	"voted/client"
)

// In a method without rounds a tie is about who wins: no option goes out.
func TestATieForTheSeatSaysWhoWinsIt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		step   client.TieStep
		chosen []string
		want   string
	}{
		{client.TieListed, []string{"ann"}, "Tie: ann, bo and cy are equal; the order of the options decided, and ann wins."},
		{client.TieListed, []string{"ann", "bo"}, "Tie: ann, bo and cy are equal; the order of the options decided, and ann and bo win."},
		{client.TieLot, []string{"cy"}, "Tie: ann, bo and cy are equal; the lot decided, and cy wins."},
		{client.TieOpen, nil, "Tie: ann, bo and cy are equal, and nothing has decided between them."},
		{"margins_among_tied", []string{"bo"}, "Tie: ann, bo and cy are equal; by margins among tied, bo came first."},
		{client.TieReport, []string{"ann", "bo", "cy"}, "Tie: ann, bo and cy share first place. It is reported, not broken."},
	} {
		tie := client.Tie{Options: []string{"ann", "bo", "cy"}, Step: tt.step, Chosen: tt.chosen}
		if got := tieSentence(client.Results{}, tie, Titles{}); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.step, got, tt.want)
		}
	}
}
