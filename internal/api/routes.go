package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// action serves one method of one route. An error it returns becomes a problem,
// unless it has begun to answer.
type action func(w *response, r *http.Request) error

// endpoint is one path with its methods.
type endpoint struct {
	h        *Handler
	template string
	actions  map[string]action
	allow    string // the value of Allow
	meters   map[string]*meter
	other    *meter // for methods that it does not serve
	lasts    bool   // whether it is one of streaming
}

// route builds the router. It tries the routes in this order, so the most frequent comes
// first. Each path is one route, and the method is looked up afterwards: so a wrong
// method is distinguished from an unknown path, and each path's expression is matched
// once.
func (h *Handler) route() {
	h.router = mux.NewRouter().SkipClean(true).UseEncodedPath()
	type methods = map[string]action
	h.unmatched = &endpoint{h: h, template: "unmatched", other: h.metrics.meter("unmatched", "other")}
	h.ballots = h.add("/v1/polls/{poll}/ballots/{voter}", methods{"PUT": h.castBallot, "GET": h.getReceipt})
	h.add("/v1/polls/{poll}/ballots/{voter}/holders", methods{"GET": h.getHolders})
	h.add("/v1/polls/{poll}/ballots/{voter}/proof", methods{"GET": h.getProof})
	h.add("/v1/polls/{poll}/proofs", methods{"POST": h.postProofs})
	h.add("/v1/polls/{poll}/ballots", methods{"POST": h.castMany, "GET": h.export})
	h.add("/v1/polls/{poll}/audit", methods{"GET": h.exportAudit})
	h.add("/v1/polls/{poll}/results", methods{"GET": h.getResults})
	h.add("/v1/polls/{poll}/results/repeats", methods{"GET": h.getRepeats})
	h.add("/v1/polls/{poll}/results/stream", methods{"GET": h.streamResults})
	h.add("/v1/polls/{poll}", methods{"PUT": h.createPoll, "GET": h.getPoll, "PATCH": h.patchPoll, "DELETE": h.deletePoll})
	h.add("/v1/polls/{poll}/roll", methods{"PUT": h.putRoll, "GET": h.getRoll})
	h.add("/v1/polls/{poll}/roll/{voter}", methods{"GET": h.getEnrolled, "DELETE": h.dropEnrolled})
	h.add("/v1/polls/{poll}/close", methods{"POST": h.closePoll})
	h.add("/v1/polls/{poll}/lot", methods{"PUT": h.drawLot})
	h.add("/v1/polls/{poll}/log/checkpoint", methods{"GET": h.getCheckpoint})
	h.add("/v1/polls/{poll}/log/tile/{tile}", methods{"GET": h.getTile})
	h.add("/v1/polls/{poll}/log/definition", methods{"GET": h.getDefinition})
	h.add("/v1/polls/{poll}/log/profile", methods{"GET": h.getProfile})
	h.add("/v1/polls/{poll}/log/closing", methods{"GET": h.getClosing})
	h.add("/v1/polls/{poll}/log/policy", methods{"GET": h.getPolicy})
	h.add("/v1/polls", methods{"GET": h.listPolls, "POST": h.createKeyedPoll})
	h.add("/v1/cluster", methods{"GET": h.getCluster})
	h.add("/v1/cluster/history", methods{"GET": h.getHistory})
	h.add("/v1/cluster/stream", methods{"GET": h.streamCluster})
	h.add("/v1/cluster/members", methods{"POST": h.addMember})
	h.add("/v1/cluster/members/{id}", methods{"DELETE": h.endOf(h.cluster.RemoveMember)})
	h.add("/v1/cluster/tokens", methods{"POST": h.newJoinToken})
	h.add("/v1/cluster/tokens/{id}", methods{"DELETE": h.endOf(h.cluster.RevokeJoinTokens)})
	h.add("/v1/cluster/leader", methods{"POST": h.transferLeadership})
	h.add("/v1/events", methods{"GET": h.getEvents})
	h.add("/v1/schedule", methods{"GET": h.listSchedule})
	h.add("/v1/schedule/{id}", methods{"PUT": h.putSchedule, "GET": h.getSchedule, "DELETE": h.deleteSchedule})
	h.add("/v1/webhooks", methods{"GET": h.listWebhooks})
	h.add("/v1/webhooks/{id}", methods{
		"PUT": h.putWebhook, "GET": h.getWebhook, "PATCH": h.patchWebhook, "DELETE": h.deleteWebhook,
	})
	h.add("/v1/webhooks/{id}/rotate", methods{"POST": h.rotateWebhook})
	h.add("/v1/webhooks/{id}/ping", methods{"POST": h.pingWebhook})
	h.add("/v1/webhooks/{id}/redeliver", methods{"POST": h.redeliverWebhook})
	h.add("/v1/webhooks/{id}/attempts", methods{"GET": h.listAttempts})
	h.add("/v1/backup", methods{"GET": h.getBackup})
	h.add("/v1/restore", methods{"POST": h.postRestore})
	h.add("/livez", methods{"GET": h.live})
	h.add("/readyz", methods{"GET": h.ready})
	h.add("/metrics", methods{"GET": h.serveMetrics()})
	h.add("/openapi.yaml", methods{"GET": h.serveReference})
	h.add("/problems/{code}", methods{"GET": h.explain})

	h.router.NotFoundHandler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h.fail(rw.(*response), r, nothingHere())
	})
}

func (h *Handler) add(template string, actions map[string]action) *endpoint {
	e := &endpoint{h: h, template: template, actions: actions, meters: map[string]*meter{}, lasts: streaming[template]}
	var allow []string
	for method, act := range actions {
		allow = append(allow, method)
		if e.lasts {
			act = unbounded(act)
		}
		actions[method] = heeded(template, method, act)
	}
	if get := actions[http.MethodGet]; get != nil {
		allow = append(allow, http.MethodHead)
		actions[http.MethodHead] = get // net/http leaves the body out
	}
	slices.Sort(allow)
	e.allow = strings.Join(allow, ", ")
	// HEAD counts as GET, and all methods that no path takes count as one: otherwise each
	// would add twenty useless series per path.
	for _, method := range allow {
		if method != http.MethodHead {
			e.meters[method] = h.metrics.meter(template, method)
		}
	}
	e.meters[http.MethodHead] = e.meters[http.MethodGet]
	e.other = h.unmatched.other
	h.router.Handle(strings.Replace(template, "{tile}", "{tile:.+}", 1), routed{e}) // a tile's name has slashes
	return e
}

// routed is an endpoint as the router finds it. It stores the variables of the path as
// the shortcut does, so that handlers need not know which of the two found the endpoint.
type routed struct{ *endpoint }

// ServeHTTP implements http.Handler.
func (e routed) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	for name, value := range mux.Vars(r) {
		r.SetPathValue(name, value)
	}
	e.endpoint.ServeHTTP(rw, r)
}

// ServeHTTP serves a request whose endpoint has been found.
func (e *endpoint) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w := rw.(*response)
	w.endpoint = e
	act, ok := e.actions[r.Method]
	if !ok {
		w.meter = e.other
		if isPreflight(r) { // of an allowed origin: all others were refused
			e.preflight(w)
			return
		}
		w.Header().Set("Allow", e.allow)
		e.h.fail(w, r, refusal.New(refusal.MethodNotAllowed, "This path takes %s.", e.allow))
		return
	}
	w.meter = e.meters[r.Method]
	if err := e.guarded(act, w, r); err != nil {
		e.h.fail(w, r, err)
	}
}

// pollID returns the poll that the path names. If that cannot be an id, there is no such
// poll.
func pollID(r *http.Request) (string, error) {
	id, err := url.PathUnescape(pathVar(r, "poll"))
	if err != nil || !poll.ValidID(id) {
		return "", refusal.New(refusal.PollNotFound, "No poll can have the id in this path; ids are letters, digits, '.', '_', '~' and '-'.")
	}
	return id, nil
}
