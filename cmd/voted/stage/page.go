package stage

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
)

const style template.CSS = `body{font:1.25rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#16181d;background:#fff}
button{font:inherit;font-weight:700;padding:.75rem 1.5rem;border:2px solid #7a0c14;background:#7a0c14;color:#fff;border-radius:4px}
button.second{background:#fff;color:#0b3a75;border-color:#0b3a75}a{color:#0b3a75}form{display:inline-block;margin:0 .5rem .5rem 0}
.ledger{font-size:1.5rem;font-weight:700}li.off{color:#7a0c14}`

var styleHash = func() string {
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
}()

var shown = template.Must(template.New("stage").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="2"><title>Kill the leader · voted</title><style>{{.Style}}</style></head>
<body><main><h1>Kill the leader, and watch the count not change</h1>
{{range .Polls}}<p><bdi>{{.ID}}</bdi>, {{.State}}:<br><span class="ledger">{{.Ballots}} voters = {{.Ballots}} ballots · {{.Repeated}} repeated requests recognised</span></p>
{{else}}<p>There is no poll yet that shows its results.</p>{{end}}
{{if .Away}}<p><strong>The cluster does not answer:</strong> {{.Away}}</p>{{end}}
<ul>{{range .Nodes}}<li{{if not .Running}} class="off"{{end}}>{{.ID}} {{if not .Running}}is down{{else if .Leads}}<strong>leads</strong>{{else}}follows{{end}} · <a href="{{.Console}}">its console</a></li>{{end}}</ul>
<form method="post" action="` + KillPath + `"><button>Kill the leader{{if .Leader}}, {{.Leader}}{{end}}</button></form>
<form method="post" action="/start"><button class="second">Start those that are down</button></form>
<p>This page is served by the program that started the nodes, and by no node.</p></main></body></html>
`))
