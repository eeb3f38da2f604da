package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"time"

	"voted/client"
)

const examplePoll = `{"id":"board-2026","title":"Board election","options":["ann","bo"],"method":"plurality","state":"open","ballots":2,"revision":1}`

// exampleNode answers like a node with one poll.
func exampleNode() *httptest.Server {
	json := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, status, body) }
	}
	stream := func(mediaType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", mediaType)
			_, _ = io.WriteString(w, body)
		}
	}
	receipt := func(outcome string, version int) string {
		return fmt.Sprintf(`{"poll":"board-2026","voter":"v-17","outcome":%q,"version":%d,"ballot":4711,"index":90210,"cast_at":"2026-12-01T08:00:03.125Z"}`, outcome, version)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /v1/polls/{poll}/ballots/{voter}", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.PathValue("voter") == "v-18":
			answerProblem(w, 409, "already_voted")
		case r.Header.Get("If-Match") != "":
			answerJSON(w, 200, receipt("replaced", 2))
		default:
			answerJSON(w, 201, receipt("counted", 1))
		}
	})
	mux.HandleFunc("GET /v1/polls/{poll}/ballots/{voter}", json(200, receipt("counted", 1)))
	mux.HandleFunc("POST /v1/polls/{poll}/ballots", stream("application/x-ndjson",
		`{"line":1,"outcome":"counted","ballot":1,"version":1}`+"\n"+`{"line":2,"code":"already_voted","detail":"bo was chosen before"}`+"\n"))
	mux.HandleFunc("GET /v1/polls/{poll}/ballots", stream("application/x-ndjson",
		`{"ballot":1,"voter_key":"5f","selections":["ann"],"version":1,"index":4,"cast_at":"2026-12-01T08:00:00Z"}`+"\n"))
	mux.HandleFunc("PUT /v1/polls/{poll}", json(201, examplePoll))
	mux.HandleFunc("POST /v1/polls", json(201, examplePoll))
	mux.HandleFunc("GET /v1/polls", json(200, `{"polls":[`+examplePoll+`],"next_page_token":""}`))
	mux.HandleFunc("GET /v1/polls/{poll}", json(200, examplePoll))
	mux.HandleFunc("PATCH /v1/polls/{poll}", json(200, `{"id":"board-2026","title":"Board","options":["ann","bo"],"state":"open","revision":2}`))
	mux.HandleFunc("POST /v1/polls/{poll}/close", json(200, `{"id":"board-2026","options":["ann","bo"],"state":"closed","closed_index":12}`))
	mux.HandleFunc("DELETE /v1/polls/{poll}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	mux.HandleFunc("GET /v1/polls/{poll}/results", json(200, `{"poll":"board-2026","state":"open","index":12,"ballots":2,"winners":["ann"],"options":[{"id":"ann","votes":2},{"id":"bo","votes":0}]}`))
	mux.HandleFunc("GET /v1/polls/{poll}/results/stream", stream("text/event-stream",
		"event: results\nid: 12\ndata: {\"state\":\"open\",\"index\":12,\"ballots\":2}\n\nevent: results\nid: 13\ndata: {\"state\":\"closed\",\"index\":13,\"ballots\":3}\n\n"))
	mux.HandleFunc("GET /v1/cluster", json(200, `{"leader":"n2","term":3,"index":12,"quorum":2,"can_lose":1,"members":[{"id":"n1","state":"follower"},{"id":"n2","state":"leader"}]}`))
	mux.HandleFunc("POST /v1/cluster/members", json(200, `{}`))
	mux.HandleFunc("DELETE /v1/cluster/members/{id}", json(200, `{}`))
	mux.HandleFunc("POST /v1/cluster/tokens", json(201, `{"id":"n4","token":"voted_join_…","expires_at":"2026-12-01T09:00:00Z"}`))
	mux.HandleFunc("DELETE /v1/cluster/tokens/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	mux.HandleFunc("POST /v1/cluster/leader", json(200, `{}`))
	mux.HandleFunc("GET /v1/backup", stream("application/octet-stream", "a backup\n"))
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answerProblem(w, 503, "unavailable") })
	return httptest.NewServer(mux)
}

// withClient runs an example against a node.
func withClient(f func(ctx context.Context, c *client.Client)) {
	node := exampleNode()
	defer node.Close()
	c, err := client.New([]string{node.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	f(context.Background(), c)
}

func ExampleNew() {
	c, err := client.New([]string{"http://n1:8080", "http://n2:8080", "http://n3:8080"},
		client.WithDeadline(10*time.Second),
		client.WithToken(func() string { return os.Getenv("VOTED_TOKEN") }),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Println(c.Endpoints())
	// Output: [http://n1:8080 http://n2:8080 http://n3:8080]
}

func ExampleClient_Cast() {
	withClient(func(ctx context.Context, c *client.Client) {
		r, err := c.Cast(ctx, "board-2026", "v-17", client.Choose("ann"))
		fmt.Println(r.Outcome, r.Ballot, err)
		_, err = c.Cast(ctx, "board-2026", "v-18", client.Choose("bo"))
		fmt.Println(errors.Is(err, client.CodeAlreadyVoted))
	})
	// Output:
	// counted 4711 <nil>
	// true
}

func ExampleClient_Replace() {
	withClient(func(ctx context.Context, c *client.Client) {
		r, err := c.Replace(ctx, "board-2026", "v-17", client.Choose("bo"), 1)
		fmt.Println(r.Outcome, r.Version, err)
	})
	// Output: replaced 2 <nil>
}

func ExampleClient_Receipt() {
	withClient(func(ctx context.Context, c *client.Client) {
		r, err := c.Receipt(ctx, "board-2026", "v-17")
		fmt.Println(r.Ballot, r.CastAt.Format(time.TimeOnly), err)
	})
	// Output: 4711 08:00:03 <nil>
}

func ExampleClient_CastMany() {
	withClient(func(ctx context.Context, c *client.Client) {
		ballots := slices.Values([]client.BulkBallot{
			{Voter: "v-1", Ballot: client.Choose("ann")},
			{Voter: "v-2", Ballot: client.Choose("ann")},
		})
		for a, err := range c.CastMany(ctx, "board-2026", ballots) {
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(a.Line, a.Voter, a.Outcome, a.Err())
		}
	})
	// Output:
	// 1 v-1 counted <nil>
	// 2 v-2  already_voted: bo was chosen before
}

func ExampleClient_CreatePoll() {
	withClient(func(ctx context.Context, c *client.Client) {
		p, err := c.CreatePoll(ctx, client.Definition{ID: "board-2026", Title: "Board election", Options: client.Options("ann", "bo")})
		fmt.Println(p.ID, p.State, p.Options[0].Title, err)
	})
	// Output: board-2026 open ann <nil>
}

func ExampleClient_CreatePollWithKey() {
	withClient(func(ctx context.Context, c *client.Client) {
		p, err := c.CreatePollWithKey(ctx, "order-7781", client.Definition{Options: client.Options("ann", "bo")})
		fmt.Println(p.ID, err)
	})
	// Output: board-2026 <nil>
}

func ExampleClient_Poll() {
	withClient(func(ctx context.Context, c *client.Client) {
		p, err := c.Poll(ctx, "board-2026")
		fmt.Println(p.Title, p.State, *p.Ballots, err)
	})
	// Output: Board election open 2 <nil>
}

func ExampleClient_Polls() {
	withClient(func(ctx context.Context, c *client.Client) {
		for p, err := range c.Polls(ctx, client.PollsQuery{State: client.StateOpen}) {
			fmt.Println(p.ID, err)
		}
	})
	// Output: board-2026 <nil>
}

func ExampleClient_PatchPoll() {
	withClient(func(ctx context.Context, c *client.Client) {
		p, err := c.PatchPoll(ctx, "board-2026", client.Patch{Title: new("Board"), IfRevision: 1})
		fmt.Println(p.Title, p.Revision, err)
	})
	// Output: Board 2 <nil>
}

func ExampleClient_ClosePoll() {
	withClient(func(ctx context.Context, c *client.Client) {
		p, err := c.ClosePoll(ctx, "board-2026")
		fmt.Println(p.State, p.ClosedIndex, err)
	})
	// Output: closed 12 <nil>
}

func ExampleClient_DeletePoll() {
	withClient(func(ctx context.Context, c *client.Client) {
		fmt.Println(c.DeletePoll(ctx, "board-2026"))
	})
	// Output: <nil>
}

func ExampleClient_Results() {
	withClient(func(ctx context.Context, c *client.Client) {
		r, err := c.Results(ctx, "board-2026", client.Linearizable)
		fmt.Println(r.Winners, r.Options[0].Votes, "of", r.Ballots, "at", r.Index, err)
	})
	// Output: [ann] 2 of 2 at 12 <nil>
}

func ExampleClient_Watch() {
	withClient(func(ctx context.Context, c *client.Client) {
		for r, err := range c.Watch(ctx, "board-2026") {
			fmt.Println(r.State, r.Ballots, err)
		}
	})
	// Output:
	// open 2 <nil>
	// closed 3 <nil>
}

func ExampleClient_Export() {
	withClient(func(ctx context.Context, c *client.Client) {
		_, err := c.Export(ctx, "board-2026", client.NDJSON, os.Stdout)
		fmt.Println(err)
	})
	// Output:
	// {"ballot":1,"voter_key":"5f","selections":["ann"],"version":1,"index":4,"cast_at":"2026-12-01T08:00:00Z"}
	// <nil>
}

func ExampleClient_ExportBallots() {
	withClient(func(ctx context.Context, c *client.Client) {
		for b, err := range c.ExportBallots(ctx, "board-2026") {
			fmt.Println(b.Number, b.VoterKey, b.Ballot.Selections, err)
		}
	})
	// Output: 1 5f [ann] <nil>
}

func ExampleClient_Backup() {
	withClient(func(ctx context.Context, c *client.Client) {
		_, err := c.Backup(ctx, os.Stdout)
		fmt.Println(err)
	})
	// Output:
	// a backup
	// <nil>
}

func ExampleClient_Cluster() {
	withClient(func(ctx context.Context, c *client.Client) {
		s, err := c.Cluster(ctx)
		fmt.Println(s.Leader, len(s.Members), s.CanLose, err)
	})
	// Output: n2 2 1 <nil>
}

func ExampleClient_ClusterAt() {
	withClient(func(ctx context.Context, c *client.Client) {
		s, err := c.ClusterAt(ctx, c.Endpoints()[0])
		fmt.Println(s.Meta.Node, "sees", s.Leader, err)
	})
	// Output: n1 sees n2 <nil>
}

func ExampleClient_AddMember() {
	withClient(func(ctx context.Context, c *client.Client) {
		fmt.Println(c.AddMember(ctx, "n4", "n4:7000"))
	})
	// Output: <nil>
}

func ExampleClient_NewJoinToken() {
	withClient(func(ctx context.Context, c *client.Client) {
		t, err := c.NewJoinToken(ctx, "n4", time.Hour)
		fmt.Println(t.ID, t.Token, t.ExpiresAt, err)
	})
	// Output: n4 voted_join_… 2026-12-01 09:00:00 +0000 UTC <nil>
}

func ExampleClient_RevokeJoinTokens() {
	withClient(func(ctx context.Context, c *client.Client) {
		fmt.Println(c.RevokeJoinTokens(ctx, "n4"))
	})
	// Output: <nil>
}

func ExampleClient_RemoveMember() {
	withClient(func(ctx context.Context, c *client.Client) {
		fmt.Println(c.RemoveMember(ctx, "n4"))
	})
	// Output: <nil>
}

func ExampleClient_TransferLeadership() {
	withClient(func(ctx context.Context, c *client.Client) {
		fmt.Println(c.TransferLeadership(ctx, "n2"))
	})
	// Output: <nil>
}

func ExampleClient_Ready() {
	withClient(func(ctx context.Context, c *client.Client) {
		err := c.Ready(ctx, c.Endpoints()[0])
		fmt.Println(errors.Is(err, client.CodeUnavailable))
	})
	// Output: true
}

func ExampleRankTiers() {
	b, err := client.RankTiers([]string{"bo"}, []string{"ann", "cy"}).MarshalJSON()
	fmt.Println(string(b), err)
	// Output: {"ranking":["bo",["ann","cy"]]} <nil>
}
