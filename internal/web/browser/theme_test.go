package browser

import (
	"fmt"
	"testing"

	"voted/client"
)

// A frame looks as the page around it asks for, whatever the visitor has, and can be read.
func TestAFrameHasTheThemeThatIsAskedFor(t *testing.T) {
	t.Parallel()
	s := Common(t)
	poll := s.Poll(t, client.Definition{Title: "Board", Audience: client.AudienceAnyone})
	for i := range 2 {
		if _, err := s.Client.Cast(t.Context(), poll, fmt.Sprint("v-", i), client.Choose("ann")); err != nil {
			t.Fatal(err)
		}
	}
	const light, dark = "rgb(255, 255, 255)", "rgb(13, 17, 23)"
	for _, c := range []struct {
		query string
		dark  bool
		want  string
	}{
		{"", false, light},
		{"", true, dark},
		{"?theme=light", true, light},
		{"?theme=dark", false, dark},
	} {
		look := Phone
		look.Dark = c.dark
		p := Open(t, look)
		p.Go(s.URL("/polls/" + poll + "/embed" + c.query))
		if got := Eval[string](p, "getComputedStyle(document.querySelector('.embed')).backgroundColor"); got != c.want {
			t.Errorf("%q, where the visitor has dark %v: the ground is %s, want %s", c.query, c.dark, got, c.want)
		}
		for _, text := range p.Faint(10) {
			t.Errorf("%q, where the visitor has dark %v: %s", c.query, c.dark, text)
		}
	}
}
