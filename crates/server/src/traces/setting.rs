//! Where traces go, by the variables that OpenTelemetry has for it:
//! <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>.

use http::Uri;

use crate::config::Collector;

/// The collector that the environment names, if it names one. Each error says which variable is wrong.
pub fn collector(
    variable: impl Fn(&'static str) -> Option<String>,
) -> Result<Option<Collector>, String> {
    let said = |name| variable(name).filter(|value| !value.is_empty());
    if said("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    let whole = said("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    let base = || {
        let base = said("OTEL_EXPORTER_OTLP_ENDPOINT")?;
        Some(format!("{}/v1/traces", base.trim_end_matches('/')))
    };
    let Some(url) = whole.or_else(base) else {
        return Ok(None);
    };
    let ratio = said("OTEL_TRACES_SAMPLER_ARG").unwrap_or_else(|| "1".to_owned());
    Ok(Some(Collector {
        url: parse_url(&url)?,
        ratio: parse_ratio(&ratio)?,
        service: said("OTEL_SERVICE_NAME").unwrap_or_else(|| "chinwag".to_owned()),
    }))
}

fn parse_url(said: &str) -> Result<Uri, String> {
    let url: Option<Uri> = said.parse().ok();
    let is_good = |url: &Uri| url.scheme_str() == Some("http") && url.host().is_some();
    url.filter(is_good).ok_or_else(|| {
        format!("OTEL_EXPORTER_OTLP_ENDPOINT must be like http://localhost:4318; it is {said:?}")
    })
}

fn parse_ratio(said: &str) -> Result<f64, String> {
    let ratio = said.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| format!("OTEL_TRACES_SAMPLER_ARG must be 0 to 1; it is {said:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&'static str, &str)]) -> Result<Option<Collector>, String> {
        collector(|name| {
            variables.iter().find(|it| it.0 == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn what_names_no_collector_traces_nothing() {
        assert_eq!(of(&[]), Ok(None));
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://there:4318");
        assert_eq!(of(&[endpoint, ("OTEL_SDK_DISABLED", "true")]), Ok(None));
    }

    #[test]
    fn the_endpoint_gets_the_path_and_the_whole_address_does_not() {
        let url = |variables: &[_]| of(variables).expect("good").expect("named").url.to_string();
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://there:4318/");
        assert_eq!(url(&[endpoint]), "http://there:4318/v1/traces");
        let whole = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://here:1/in");
        assert_eq!(url(&[endpoint, whole]), "http://here:1/in");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |more| of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://there:4318"), more]);
        let ratio = wrong(("OTEL_TRACES_SAMPLER_ARG", "2")).expect_err("above 1");
        assert!(ratio.contains("OTEL_TRACES_SAMPLER_ARG"), "{ratio}");
        let secure = of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://there")]).expect_err("no TLS");
        assert!(secure.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{secure}");
    }
}
