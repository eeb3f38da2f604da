package api

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"voted/proof"
)

// opens reports whether an answer has what opens a ballot, in any of the encodings that are
// used: by itself, or in the extra data of a receipt.
func opens(body string, o proof.Opening) bool {
	secrets := []string{hex.EncodeToString(o.Nonce[:]), base64.StdEncoding.EncodeToString(o.Nonce[:]), string(o.Nonce[:])}
	for line := range strings.Lines(strings.NewReplacer(`\n`, "\n", `"`, "\n").Replace(body)) {
		if extra, ok := strings.CutPrefix(strings.TrimSpace(line), "extra "); ok {
			b, _ := base64.StdEncoding.DecodeString(extra)
			body += string(b)
		}
	}
	return slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(body, s) })
}

// In a poll whose receipts prove counting alone nobody but an auditor is handed what opens a
// ballot, by whatever route, before the close and after it, with public logs and without.
func TestWhatOpensABallotIsHandedOutAsTheDefinitionSays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		definition string
		opened     []string // who gets an opening, of those that are not auditors
	}{
		"counted":             {`{"options":["ann","bo"],"revote":"until_close"}`, nil},
		"opened":              {`{"options":["ann","bo"],"revote":"until_close","receipt":"opened"}`, []string{"ann", "gateway", "jwt"}},
		"with its ballots":    {`{"options":["ann","bo"],"revote":"until_close","disclosure":"ballots"}`, []string{"ann", "gateway", "jwt"}},
		"counted, on a roll ": {`{"options":["ann","bo"],"eligibility":"roll"}`, nil},
	} {
		for _, public := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				g, p := provingRig(t, func(o *Options) { o.Auth, o.PublicLogs = everybody, public })
				g.do("PUT", "/v1/polls/p", c.definition, as("admin")...).want(201)
				if strings.Contains(c.definition, "roll") {
					g.do("PUT", "/v1/polls/p/roll", `{"voter":"ann"}`, append(as("admin"), "Content-Type", mediaNDJSON)...).want(200)
				}
				g.do("PUT", "/v1/polls/p/ballots/ann", forAnn, as("gateway")...).want(201)
				p.sign("p")
				capture, _ := p.capture("p")
				_, opening := capture.Entry(1)
				got := map[string]bool{}
				look := func() {
					for who := range everybody {
						for path, body := range g.everything(who) {
							if !opens(body, opening) {
								continue
							}
							if got[who] = true; who == "auditor" && path != "GET /v1/polls/p/audit" {
								t.Errorf("%s opens a ballot to an auditor", path)
							}
						}
					}
				}
				look()
				g.do("POST", "/v1/polls/p/close", "", as("admin")...).want(200)
				p.sign("p")
				look()
				want := append([]string{"auditor"}, c.opened...)
				slices.Sort(want)
				var have []string
				for who := range got {
					have = append(have, who)
				}
				slices.Sort(have)
				if !slices.Equal(have, want) {
					t.Errorf("a ballot is opened to %v, want %v", have, want)
				}
			})
		}
	}
}

// everything is what somebody gets by all routes below a poll that answer with its content.
func (g *rig) everything(who string) map[string]string {
	all := map[string]string{}
	add := func(method, path, body string, header ...string) {
		header = append(as(who), header...)
		all[method+" "+path] = g.do(method, path, body, header...).body
	}
	for template, methods := range permissions {
		if methods["GET"] == 0 || !strings.HasPrefix(template, "/v1/polls") || strings.HasSuffix(template, "/stream") {
			continue
		}
		tiles := []string{""}
		if strings.Contains(template, "{tile}") {
			tiles = []string{"0/000.p/2", "entries/000.p/2", "0/000.p/3", "entries/000.p/3"}
		}
		for _, tile := range tiles {
			add("GET", strings.NewReplacer("{poll}", "p", "{voter}", "ann", "{tile}", tile).Replace(template), "")
		}
	}
	add("PUT", "/v1/polls/p/ballots/ann", forAnn)
	add("PUT", "/v1/polls/p/ballots/ann", forAnn, "Prefer", "promise")
	add("PUT", "/v1/polls/p/ballots/ann", forAnn, "Prefer", "proof")
	add("POST", "/v1/polls/p/proofs", `{"voter":"ann"}`, "Content-Type", mediaNDJSON)
	add("POST", "/v1/polls/p/ballots", `{"voter":"ann","selections":["ann"]}`, "Content-Type", mediaNDJSON)
	return all
}
