package check

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	strict "sigs.k8s.io/yaml"
)

// kinds are all that the renderings may hold.
var kinds = map[string]func() any{
	"v1/ServiceAccount":                  func() any { return &corev1.ServiceAccount{} },
	"v1/Service":                         func() any { return &corev1.Service{} },
	"v1/Secret":                          func() any { return &corev1.Secret{} },
	"apps/v1/Deployment":                 func() any { return &appsv1.Deployment{} },
	"apps/v1/StatefulSet":                func() any { return &appsv1.StatefulSet{} },
	"policy/v1/PodDisruptionBudget":      func() any { return &policyv1.PodDisruptionBudget{} },
	"networking.k8s.io/v1/NetworkPolicy": func() any { return &networkingv1.NetworkPolicy{} },
}

// decode reads objects as strictly as the API server does with field validation:
// unknown and duplicate fields are errors.
func decode(t *testing.T, manifest []byte) map[string]any {
	t.Helper()
	objects := map[string]any{}
	for reader := yaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(manifest))); ; {
		doc := make([]byte, 1<<20)
		n, err := reader.Read(doc)
		if err == io.EOF {
			return objects
		} else if err != nil {
			t.Fatal(err)
		}
		var head struct {
			APIVersion, Kind string
			Metadata         struct{ Name string }
		}
		if err := strict.Unmarshal(doc[:n], &head); err != nil {
			t.Fatalf("%v\n%s", err, doc[:n])
		}
		if head.Kind == "" {
			continue // comments alone
		}
		made, known := kinds[head.APIVersion+"/"+head.Kind]
		if !known {
			t.Fatalf("%s %s is not looked for here", head.APIVersion, head.Kind)
		}
		object := made()
		if err := strict.UnmarshalStrict(doc[:n], object); err != nil {
			t.Fatalf("%s %s: %v", head.Kind, head.Metadata.Name, err)
		}
		objects[head.Kind+"/"+head.Metadata.Name] = object
	}
}

func helm(t *testing.T, release string, values map[string]any) (map[string]any, error) {
	t.Helper()
	chart, err := loader.Load("../helm/voted")
	if err != nil {
		t.Fatal(err)
	}
	all, err := chartutil.ToRenderValues(chart, values, chartutil.ReleaseOptions{Name: release, Namespace: "votes", Revision: 1, IsInstall: true}, nil)
	if err != nil {
		return nil, err
	}
	files, err := engine.Engine{Strict: true}.Render(chart, all)
	if err != nil {
		return nil, err
	}
	var manifest bytes.Buffer
	for name, text := range files {
		if strings.HasSuffix(name, ".yaml") {
			manifest.WriteString("---\n" + text + "\n")
		}
	}
	return decode(t, manifest.Bytes()), nil
}

// standard is what the chart renders without any given value.
func standard(t *testing.T) map[string]any {
	t.Helper()
	objects, err := helm(t, "voted", nil)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func TestTheChartAsItIsRendersAClusterOfThree(t *testing.T) {
	objects := standard(t)
	for _, name := range []string{
		"ServiceAccount/voted", "Service/voted", "Service/voted-peers", "StatefulSet/voted", "PodDisruptionBudget/voted", "NetworkPolicy/voted",
	} {
		if objects[name] == nil {
			t.Errorf("there is no %s", name)
		}
	}
	if len(objects) != 6 {
		t.Errorf("there are %d objects", len(objects))
	}
	chart, err := loader.Load("../helm/voted")
	if err != nil {
		t.Fatal(err)
	}
	set := objects["StatefulSet/voted"].(*appsv1.StatefulSet)
	pod := set.Spec.Template.Spec
	c := pod.Containers[0]
	if want := "voted:" + chart.AppVersion(); *set.Spec.Replicas != 3 || len(pod.Containers) != 1 || c.Image != want {
		t.Errorf("%d replicas of %s, not 3 of %s", *set.Spec.Replicas, c.Image, want)
	}
	env := map[string]string{}
	for _, e := range c.Env {
		if _, twice := env[e.Name]; twice {
			t.Errorf("%s stands twice", e.Name)
		}
		env[e.Name] = e.Value
	}
	const members = "voted-0=voted-0.voted-peers:9080,voted-1=voted-1.voted-peers:9080,voted-2=voted-2.voted-peers:9080"
	for name, want := range map[string]string{
		"VOTED_CLUSTER": members,
		"VOTED_API":     "0.0.0.0:8080", "VOTED_ADVERTISE_API": "https://$(VOTED_ID).voted-peers:8080",
		"VOTED_PEER": "0.0.0.0:9080", "VOTED_ADVERTISE_PEER": "$(VOTED_ID).voted-peers:9080",
	} {
		if env[name] != want {
			t.Errorf("%s is %q, not %q", name, env[name], want)
		}
	}
	// Every file or directory in a node's flags is on a volume, and only its own may be
	// written.
	paths := 0
	for name, value := range env {
		if !strings.HasPrefix(value, "/") {
			continue
		}
		paths++
		on := slices.IndexFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return strings.HasPrefix(value, m.MountPath+"/") })
		if on < 0 {
			t.Errorf("%s names %s, which is on no volume", name, value)
		} else if written := name == "VOTED_DATA" || name == "VOTED_AUDIT"; written == c.VolumeMounts[on].ReadOnly {
			t.Errorf("%s names %s on a volume whose readOnly is %v", name, value, c.VolumeMounts[on].ReadOnly)
		}
	}
	if paths < 8 {
		t.Errorf("only %d variables name a path", paths)
	}
}

// Clients reach only the API; only members reach the peer port; and a pod reaches only
// members and the name service.
func TestTheNetworkPolicyOpensThePeerPortToMembersAlone(t *testing.T) {
	objects := standard(t)
	policy := objects["NetworkPolicy/voted"].(*networkingv1.NetworkPolicy)
	members := objects["StatefulSet/voted"].(*appsv1.StatefulSet).Spec.Selector.MatchLabels
	describe := func(peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) string {
		who := "anybody"
		if len(peers) == 1 && reflect.DeepEqual(peers[0], networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{MatchLabels: members}}) {
			who = "members"
		} else if len(peers) > 0 {
			who = "others"
		}
		for _, p := range ports {
			who += " " + p.Port.String()
		}
		return who
	}
	var rules []string
	for _, r := range policy.Spec.Ingress {
		rules = append(rules, "from "+describe(r.From, r.Ports))
	}
	for _, r := range policy.Spec.Egress {
		rules = append(rules, "to "+describe(r.To, r.Ports))
	}
	want := []string{"from anybody api", "from members peer", "to members peer", "to anybody 53 53"}
	if !slices.Equal(rules, want) || !slices.Equal(policy.Spec.PolicyTypes, []networkingv1.PolicyType{"Ingress", "Egress"}) {
		t.Errorf("%v allows %q, not %q", policy.Spec.PolicyTypes, rules, want)
	}
}

func TestPodsRunWithoutPrivilegesAndProbesDoNotKillForAMissingQuorum(t *testing.T) {
	objects := standard(t)
	set := objects["StatefulSet/voted"].(*appsv1.StatefulSet)
	pod := set.Spec.Template.Spec
	c := pod.Containers[0]
	for what, ok := range map[string]bool{
		"runs as root":                           *pod.SecurityContext.RunAsNonRoot && *pod.SecurityContext.RunAsUser != 0,
		"has no seccomp profile":                 pod.SecurityContext.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault,
		"can write to its image":                 *c.SecurityContext.ReadOnlyRootFilesystem,
		"can gain privileges":                    !*c.SecurityContext.AllowPrivilegeEscalation,
		"has capabilities":                       reflect.DeepEqual(c.SecurityContext.Capabilities, &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}),
		"has a token of Kubernetes":              !*pod.AutomountServiceAccountToken,
		"is killed when there is no quorum":      c.LivenessProbe.HTTPGet.Path == "/livez" && c.StartupProbe.HTTPGet.Path == "/livez",
		"gets clients before it has caught up":   c.ReadinessProbe.HTTPGet.Path == "/readyz",
		"is killed while it drains":              *pod.TerminationGracePeriodSeconds > 10,
		"may share a machine with another":       len(pod.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution) == 1,
		"has no limit of memory":                 !c.Resources.Limits.Memory().IsZero() && !c.Resources.Requests.Memory().IsZero(),
		"waits for the one before it at a start": set.Spec.PodManagementPolicy == appsv1.ParallelPodManagement,
	} {
		if !ok {
			t.Errorf("a pod %s", what)
		}
	}
	peers := objects["Service/voted-peers"].(*corev1.Service)
	if !peers.Spec.PublishNotReadyAddresses || peers.Spec.ClusterIP != corev1.ClusterIPNone || set.Spec.ServiceName != peers.Name {
		t.Error("a member that is not ready cannot be found by the others")
	}
	for name, selector := range map[string]map[string]string{
		"the services":  peers.Spec.Selector,
		"the budget":    objects["PodDisruptionBudget/voted"].(*policyv1.PodDisruptionBudget).Spec.Selector.MatchLabels,
		"the network":   objects["NetworkPolicy/voted"].(*networkingv1.NetworkPolicy).Spec.PodSelector.MatchLabels,
		"the set's own": set.Spec.Selector.MatchLabels,
	} {
		if len(selector) == 0 || !reflect.DeepEqual(selector, set.Spec.Template.Labels) {
			t.Errorf("the selector of %s, %v, is not that of the pods", name, selector)
		}
	}
}

func TestTheChartTakesWhatItsValuesSay(t *testing.T) {
	objects, err := helm(t, "city", map[string]any{
		"replicas": 5, "secret": "keys", "spread": false, "networkPolicy": false, "env": map[string]any{"VOTED_NETWORK": "wan"},
		"image": map[string]any{"repository": "example.org/voted", "tag": "v1"}, "storage": map[string]any{"class": "fast"},
	})
	if err != nil {
		t.Fatal(err)
	}
	set := objects["StatefulSet/city-voted"].(*appsv1.StatefulSet)
	c := set.Spec.Template.Spec.Containers[0]
	env := map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
	}
	members := strings.Split(env["VOTED_CLUSTER"], ",")
	if *set.Spec.Replicas != 5 || len(members) != 5 || members[4] != "city-voted-4=city-voted-4.city-voted-peers:9080" || env["VOTED_NETWORK"] != "wan" {
		t.Errorf("%d replicas, %v", *set.Spec.Replicas, env)
	}
	if c.Image != "example.org/voted:v1" || *set.Spec.VolumeClaimTemplates[0].Spec.StorageClassName != "fast" || set.Spec.Template.Spec.Affinity != nil {
		t.Error("the image, the storage class or spread are not what was said")
	}
	secret := set.Spec.Template.Spec.Volumes[1].Secret
	if secret.SecretName != "keys" || len(secret.Items) != 10 {
		t.Errorf("the secret is %v", secret)
	}
	if _, there := objects["NetworkPolicy/city-voted"]; there {
		t.Error("there is a network policy")
	}
	for name, values := range map[string]map[string]any{
		"an even number of members": {"replicas": 2}, "a misspelt value": {"replica": 3}, "a variable of another program": {"env": map[string]any{"PATH": "/"}},
	} {
		if _, err := helm(t, "voted", values); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestTracesReachTheReceiverThatTheValuesName(t *testing.T) {
	for endpoint, port := range map[string]int{"http://collector:4318": 4318, "https://otlp.example.org": 443, "http://collector/base": 80} {
		objects, err := helm(t, "voted", map[string]any{"tracing": map[string]any{"endpoint": endpoint, "ratio": 0.5}})
		if err != nil {
			t.Fatal(err)
		}
		env := map[string]string{}
		for _, e := range objects["StatefulSet/voted"].(*appsv1.StatefulSet).Spec.Template.Spec.Containers[0].Env {
			env[e.Name] = e.Value
		}
		if env["VOTED_OTLP_ENDPOINT"] != endpoint || env["VOTED_TRACE_RATIO"] != "0.5" {
			t.Errorf("%s: %v", endpoint, env)
		}
		egress := objects["NetworkPolicy/voted"].(*networkingv1.NetworkPolicy).Spec.Egress
		if last := egress[len(egress)-1]; len(egress) != 3 || len(last.Ports) != 1 || last.Ports[0].Port.IntValue() != port {
			t.Errorf("%s: %v", endpoint, egress)
		}
	}
	if _, err := helm(t, "voted", map[string]any{"tracing": map[string]any{"endpoint": "collector:4318"}}); err == nil {
		t.Error("an endpoint that is no URL is taken")
	}
}

func TestPodsGetTheirOwnProofKeysWhereTheValuesNameALog(t *testing.T) {
	for name, want := range map[string]string{"": "", "votes.example.org": "/secrets/node/node.proof.key"} {
		objects, err := helm(t, "voted", map[string]any{"proofs": map[string]any{"logName": name, "public": true}})
		if err != nil {
			t.Fatal(err)
		}
		pod := objects["StatefulSet/voted"].(*appsv1.StatefulSet).Spec.Template.Spec
		env := map[string]string{}
		for _, e := range pod.Containers[0].Env {
			env[e.Name] = e.Value
		}
		if env["VOTED_LOG_NAME"] != name || env["VOTED_PROOF_KEY"] != want || (env["VOTED_PUBLIC_LOGS"] == "true") != (name != "") {
			t.Errorf("%q: %v", name, env)
		}
		own := slices.ContainsFunc(pod.Volumes[1].Secret.Items, func(i corev1.KeyToPath) bool {
			return i.Key == "voted-1.proof.key" && i.Path == "voted-1/node.proof.key"
		})
		if own != (name != "") {
			t.Errorf("%q: the proof key is mounted: %v", name, own)
		}
	}
}

func TestWebhooksAreSignedAndLetOutWhereTheValuesEnableThem(t *testing.T) {
	for name, x := range map[string]struct {
		values map[string]any
		ports  []int // that a pod reaches in addition
	}{
		"as it is":                   {map[string]any{}, nil},
		"enabled":                    {map[string]any{"enabled": true}, []int{443, 8443}},
		"enabled, to another port":   {map[string]any{"enabled": true, "egressPorts": []any{443, 9000}}, []int{443, 9000}},
		"ports alone enable nothing": {map[string]any{"egressPorts": []any{9000}}, nil},
	} {
		objects, err := helm(t, "voted", map[string]any{"webhooks": x.values})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		pod := objects["StatefulSet/voted"].(*appsv1.StatefulSet).Spec.Template.Spec
		key := ""
		for _, e := range pod.Containers[0].Env {
			if e.Name == "VOTED_WEBHOOK_KEY" {
				key = e.Value
			}
		}
		mounted := slices.ContainsFunc(pod.Volumes[0].Secret.Items, func(i corev1.KeyToPath) bool { return "/secrets/shared/"+i.Path == key })
		if enabled := x.ports != nil; (key != "") != enabled || mounted != enabled {
			t.Errorf("%s: the key is %q, mounted: %v", name, key, mounted)
		}
		var ports []int
		for _, r := range objects["NetworkPolicy/voted"].(*networkingv1.NetworkPolicy).Spec.Egress[2:] { // behind members and names
			for _, p := range r.Ports {
				ports = append(ports, p.Port.IntValue())
			}
		}
		if !slices.Equal(ports, x.ports) {
			t.Errorf("%s: pods reach the ports %v, not %v", name, ports, x.ports)
		}
	}
	for name, ports := range map[string][]any{"no port, which stands for all": {}, "a port that there is not": {70000}, "a name": {"https"}} {
		if _, err := helm(t, "voted", map[string]any{"webhooks": map[string]any{"enabled": true, "egressPorts": ports}}); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// sizes are the numbers of members to which a manual has its reader bring the chart.
var sizes = regexp.MustCompile(`(?:--set\s+replicas|VOTED_REPLICAS)=(\d+)`)

// refusedSizes returns those that the chart does not take, and how many it names.
func refusedSizes(t *testing.T, manual string) (refused []string, named int) {
	t.Helper()
	for _, m := range sizes.FindAllStringSubmatch(manual, -1) {
		named++
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := helm(t, "voted", map[string]any{"replicas": n}); err != nil {
			refused = append(refused, m[0])
		}
	}
	return refused, named
}

func TestTheChartTakesTheSizesThatTheManualNames(t *testing.T) {
	manual, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	if refused, named := refusedSizes(t, string(manual)); refused != nil || named < 3 {
		t.Errorf("of %d sizes in docs/operations.md the chart refuses %q", named, refused)
	}
	// A size that the chart refuses must be seen.
	if refused, _ := refusedSizes(t, strings.ReplaceAll(string(manual), "replicas=5", "replicas=4")); len(refused) != 1 {
		t.Errorf("of a manual that names four members these are refused: %q", refused)
	}
}

func TestTheProbeIsNoMemberAndAsksAllOfThem(t *testing.T) {
	if standard(t)["Deployment/voted-probe"] != nil {
		t.Error("it is there though nobody asked for it")
	}
	objects, err := helm(t, "voted", map[string]any{"probe": map[string]any{"enabled": true}})
	if err != nil {
		t.Fatal(err)
	}
	probe, members := objects["Deployment/voted-probe"].(*appsv1.Deployment), objects["StatefulSet/voted"].(*appsv1.StatefulSet)
	for name, value := range members.Spec.Selector.MatchLabels {
		if name == "app.kubernetes.io/name" && probe.Spec.Template.Labels[name] == value {
			t.Errorf("services for members choose it by %s", name)
		}
	}
	scraped := objects["Service/voted-probe"].(*corev1.Service)
	if !reflect.DeepEqual(scraped.Spec.Selector, probe.Spec.Template.Labels) || !reflect.DeepEqual(probe.Spec.Selector.MatchLabels, probe.Spec.Template.Labels) {
		t.Error("its service does not choose it")
	}
	pod := probe.Spec.Template.Spec
	c := pod.Containers[0]
	env := map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
	}
	const all = "https://voted-0.voted-peers:8080,https://voted-1.voted-peers:8080,https://voted-2.voted-peers:8080"
	if env["VOTED_ENDPOINT"] != all || !slices.Equal(c.Args, []string{"probe", "--listen", "0.0.0.0:9101", "--every", "5s"}) {
		t.Errorf("it asks %q by %q", env["VOTED_ENDPOINT"], c.Args)
	}
	for _, item := range pod.Volumes[0].Secret.Items {
		if path := "/secrets/" + item.Path; path != env["VOTED_CA"] && path != env["VOTED_TOKEN_FILE"] {
			t.Errorf("it is given %s, which it does not need", item.Key)
		}
	}
	if !*pod.SecurityContext.RunAsNonRoot || !*c.SecurityContext.ReadOnlyRootFilesystem || *c.SecurityContext.AllowPrivilegeEscalation {
		t.Error("it has privileges")
	}
}

func TestTheSecretHasWhatThePodsMount(t *testing.T) {
	dir := t.TempDir()
	voted := filepath.Join(dir, "voted")
	build := exec.Command("go", "build", "-o", voted, "./cmd/voted")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	made := func() []byte {
		script := exec.Command("../helm/secrets.sh", "votes", filepath.Join(dir, "secrets"))
		script.Env = append(os.Environ(), "VOTED="+voted)
		manifest, err := script.Output()
		if err != nil {
			t.Fatal(err)
		}
		return manifest
	}
	manifest := made()
	if !bytes.Equal(manifest, made()) {
		t.Error("a second run of secrets.sh does not keep what the first one made")
	}
	secret := decode(t, manifest)["Secret/voted"].(*corev1.Secret)
	objects, err := helm(t, "voted", map[string]any{
		"proofs": map[string]any{"logName": "votes.example.org"}, "probe": map[string]any{"enabled": true}, "webhooks": map[string]any{"enabled": true},
	})
	if err != nil {
		t.Fatal(err)
	}
	set, probe := objects["StatefulSet/voted"].(*appsv1.StatefulSet), objects["Deployment/voted-probe"].(*appsv1.Deployment)
	mounted := map[string]bool{}
	for _, v := range slices.Concat(set.Spec.Template.Spec.Volumes, probe.Spec.Template.Spec.Volumes) {
		for _, item := range v.Secret.Items {
			mounted[item.Key] = true
			if v.Secret.SecretName != secret.Name || len(secret.Data[item.Key]) == 0 {
				t.Errorf("the secret has no %s", item.Key)
			}
		}
	}
	if len(mounted) != len(secret.Data) || secret.Data["ca.key"] != nil {
		t.Errorf("%d files are mounted, the secret has %d", len(mounted), len(secret.Data))
	}
}
