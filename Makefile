# What people and CI run. Tools have a module of their own, so the product's stays small.
GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
TOOL    := $(GO) tool -modfile=tools/go.mod
FUZZTIME ?= 30s

.PHONY: help build test short race lint fmt fuzz sim sim-floor soak faults elections bench verify demo image deploy-check deploy-test strangers browser web-load bridge bridge-demo

build: ## the one binary, into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.released=$(VERSION)' -o bin/voted ./cmd/voted

help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "%-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

GOTEST ?= $(GO) test
# Packages that take longest begin first: most of their time is waiting, and others compute meanwhile.
LONGEST := ./loadtest ./e2e ./cmd/voted ./internal/simtest ./internal/cluster ./internal/server ./deploy
test: ## everything, processes started and killed included
	$(GOTEST) -timeout 20m $(LONGEST) ./...

short: ## under a minute
	$(GO) test -short ./...

race: ## the short tests under the race detector
	$(GO) test -timeout 20m -race -short $(LONGEST) ./...

lint: ## formatting, vet, staticcheck
	@unformatted=$$($(TOOL) gofumpt -l .); if [ -n "$$unformatted" ]; then echo "run make fmt:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
	$(GO) mod verify
	@$(GO) mod tidy -diff
	cd bridge && $(GO) vet ./... && $(GO) tool -modfile=../tools/go.mod staticcheck ./... && $(GO) mod tidy -diff

fmt: ## formats the Go files
	$(TOOL) gofumpt -w .

JOBS ?= 2
fuzz: ## each fuzz target for FUZZTIME, JOBS at a time
	@FUZZTIME=$(FUZZTIME) JOBS=$(JOBS) GO="$(GO)" .ci/fuzz

sim: ## whole clusters in virtual time, faults of every kind, for a minute
	$(GO) test -count=1 -v -timeout 10m -run TestEveryAcknowledged ./internal/simtest -sim.time 1m

SIMFLOOR ?= 20000,2000000
sim-floor: ## until there were 20,000 failovers and 2,000,000 acknowledged ballots; fewer in 15 minutes fail
	$(GO) test -count=1 -v -timeout 20m -run TestTheFloors ./internal/simtest -sim.floor $(SIMFLOOR)

SOAK ?= 1h
soak: ## the same for as long as one likes: make soak SOAK=8h
	$(GO) test -count=1 -v -timeout 0 -run TestEveryAcknowledged ./internal/simtest -sim.time $(SOAK)

FLOOR ?= ci
LAYERS ?=
faults: ## real nodes, broken on purpose: make faults FLOOR=long LAYERS=L4,L5; needs root
	$(GO) run ./faults --floor $(FLOOR) $(if $(LAYERS),--layers $(LAYERS))

elections: ## counts elections with a known result, real ones too, and lists them
	cd internal/tally && $(GO) test -count=1 -run '^TestElections$$' -elections.list

bench: ## Go benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./internal/... ./client

web-load: ## 10,000 live streams of a busy poll beside 1,000 ballots a second, for 30 s
	$(GO) run ./bench viewers

hooks-load: ## a thousand webhooks, of whose receivers 990 hang, and how soon the others get their events
	$(GO) run ./bench hooks

verify: lint test race ## lint, test and race

demo: ## three nodes, a real election, and a leader that is killed
	$(GO) run ./cmd/voted demo

IMAGE   ?= voted
BUILDER ?=
image: ## the container image; IMAGE names it, BUILDER another image to build with
	docker build -f deploy/Dockerfile $(if $(BUILDER),--build-arg BUILDER=$(BUILDER)) --build-arg VERSION=$(VERSION) -t $(IMAGE) .

deploy-test: ## the image and a cluster of containers, broken and restarted under load; skipped without Docker
	deploy/test/compose.sh

deploy-check: ## what Kubernetes would be given; its tools have a module of their own
	cd deploy/check && $(GO) vet ./... && $(GO) test ./...

strangers: ## proofs and webhooks against the libraries of others, in modules of their own
	cd proof/strangers && $(GO) vet ./... && $(GO) test ./...
	cd e2e/strangers && $(GO) vet ./... && $(GO) test ./...

SHOTS ?=
browser: ## the pages in Debian's chromium, in a module of its own: make browser SHOTS=/tmp/shots keeps pictures
	cd internal/web/browser && $(GO) vet ./... && $(GO) test -timeout 20m $(if $(SHOTS),-count=1 -args -shots $(SHOTS))

bridge: ## the bridge to a message broker, with the broker's real server; in a module of its own
	cd bridge && $(GO) test -timeout 20m ./...

CONTROL ?=
bridge-demo: ## a stream of ballots, bridges and leaders killed, counted exactly: make bridge-demo CONTROL=1 plants a bug
	$(GO) -C bridge run ./demo $(if $(CONTROL),--control)
