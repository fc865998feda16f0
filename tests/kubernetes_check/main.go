// kubernetes-check: what an API server would say of these manifests, by Kubernetes' own code, without one.
// Words: files of YAML. Namespaces first, since their labels say which level of Pod Security their pods keep.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	yamlutil "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	appsval "k8s.io/kubernetes/pkg/apis/apps/validation"
	core "k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	coreval "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	netval "k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/apis/policy"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	polval "k8s.io/kubernetes/pkg/apis/policy/validation"
	psa "k8s.io/pod-security-admission/api"
	psp "k8s.io/pod-security-admission/policy"
)

type checker struct {
	decode  runtime.Decoder
	pods    psp.Evaluator
	levels  map[string]psa.LevelVersion
	objects int
	faults  int
}

func (c *checker) say(where string, what any) {
	c.faults++
	fmt.Printf("%s: %v\n", where, what)
}

func main() {
	pods, err := psp.NewEvaluator(psp.DefaultChecks(), nil)
	if err != nil {
		panic(err)
	}
	codecs := serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict)
	c := &checker{decode: codecs.UniversalDeserializer(), pods: pods, levels: map[string]psa.LevelVersion{}}
	for _, path := range os.Args[1:] {
		c.file(path)
	}
	fmt.Printf("%d objects, %d faults\n", c.objects, c.faults)
	if c.faults > 0 {
		os.Exit(1)
	}
}

func (c *checker) file(path string) {
	file, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	reader := yamlutil.NewYAMLReader(bufio.NewReader(file))
	for {
		raw, err := reader.Read()
		if err == io.EOF {
			return
		}
		object, kind, err := c.decode.Decode(raw, nil, nil)
		if runtime.IsMissingKind(err) {
			continue // a comment before the first document
		}
		c.objects++
		if err != nil {
			c.say(path, err)
			continue
		}
		c.object(object, kind)
	}
}

func (c *checker) object(object runtime.Object, kind *schema.GroupVersionKind) {
	legacyscheme.Scheme.Default(object)
	meta := object.(metav1.Object)
	where := fmt.Sprintf("%s %s/%s", kind.Kind, meta.GetNamespace(), meta.GetName())
	if namespace, ok := object.(*corev1.Namespace); ok {
		if level := namespace.Labels["pod-security.kubernetes.io/enforce"]; level != "" {
			c.levels[namespace.Name] = psa.LevelVersion{Level: psa.Level(level), Version: psa.LatestVersion()}
		}
	}
	if pod := template(object); pod != nil {
		level, ok := c.levels[meta.GetNamespace()]
		if !ok {
			level = psa.LevelVersion{Level: psa.LevelRestricted, Version: psa.LatestVersion()}
		}
		result := psp.AggregateCheckResults(c.pods.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec))
		if !result.Allowed {
			c.say(where, "pod security "+string(level.Level)+": "+result.ForbiddenDetail())
		}
	}
	internal, err := legacyscheme.Scheme.ConvertToVersion(object, runtime.InternalGroupVersioner)
	if err != nil {
		c.say(where, err)
		return
	}
	errors, known := validate(internal)
	if !known {
		c.say(where, "no validation here")
	}
	for _, e := range errors {
		c.say(where, e)
	}
}

func template(object runtime.Object) *corev1.PodTemplateSpec {
	switch one := object.(type) {
	case *appsv1.StatefulSet:
		return &one.Spec.Template
	case *appsv1.DaemonSet:
		return &one.Spec.Template
	}
	return nil
}

func validate(object runtime.Object) (field.ErrorList, bool) {
	pods := coreval.PodValidationOptions{}
	switch one := object.(type) {
	case *core.ConfigMap:
		return coreval.ValidateConfigMap(one), true
	case *core.ServiceAccount:
		return coreval.ValidateServiceAccount(one), true
	case *core.Namespace:
		return coreval.ValidateNamespace(one), true
	case *core.Service:
		if one.Spec.ClusterIP != "" && len(one.Spec.ClusterIPs) == 0 { // as the registry's strategy does first
			one.Spec.ClusterIPs = []string{one.Spec.ClusterIP}
		}
		return coreval.ValidateServiceCreate(one), true
	case *apps.StatefulSet:
		return appsval.ValidateStatefulSet(one, appsval.StatefulSetValidationOptions{}, pods), true
	case *apps.DaemonSet:
		return appsval.ValidateDaemonSet(one, pods), true
	case *networking.NetworkPolicy:
		return netval.ValidateNetworkPolicy(one, netval.NetworkPolicyValidationOptions{}), true
	case *policy.PodDisruptionBudget:
		return polval.ValidatePodDisruptionBudget(one, polval.PodDisruptionBudgetValidationOptions{}), true
	}
	return nil, false
}
