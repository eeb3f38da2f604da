package organiser_test

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"voted/client"
)

func TestATitleStaysInsideItsAttributeInTheCodeOfAFrame(t *testing.T) {
	t.Parallel()
	n := theNode(t)
	id := n.poll(t, client.Definition{Title: `Tom & "Jo" <b>`, Audience: client.AudienceAnyone})
	p := n.desk(t, "admin").get("/manage/" + id + "/links")
	p.says(t, http.StatusOK)
	// What people copy is the page's text: it is HTML once more.
	code := html.UnescapeString(p.text)
	if want := `<iframe src="` + n.url + "/polls/" + id + `/embed" title="Tom &amp; &#34;Jo&#34; &lt;b&gt;" width="100%" height="480"></iframe>`; !strings.Contains(code, want) {
		t.Errorf("the code is not %s:\n%s", want, p.shown())
	}
}
