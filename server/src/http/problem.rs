//! What goes wrong with a program's call, and how it is rendered: as `application/problem+json` (RFC 9457), whatever it
//! was.
//!
//! A handler answers with a [`ApiError`]; [`render_problem`], around the routes, writes it down together with the
//! request's id. What goes wrong before a handler is reached or after it is left (no such method, out of time, a panic)
//! is rendered there too. It must not know the routes: the gateway's endpoints render their problems with it as well.

use app::{Problem, explain};
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use policy::{Denial, Field, Permission, Refusal};
use serde::Serialize;

/// The media type of problems.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";
/// How long to wait before the database is asked again, in seconds.
const AGAIN: u32 = 1;
/// The largest body of any call, in bytes: 1,000 records of usage with room to spare.
pub(crate) const MOST_BYTES: usize = 1024 * 1024;
/// As many characters of a field's name are repeated in an answer: the caller may have made the name up.
const LONGEST_FIELD: usize = 100;

/// Why a program's call failed.
#[derive(Clone, Debug)]
pub(crate) enum ApiError {
    /// The same failures as for people: a refusal, the database, an internal error.
    Problem(Problem),
    /// The key's reach does not permit it (K11).
    KeyScope(Permission),
    /// The decision of a gateway's access request: the caller may not (E3).
    Denied(Denial, Permission),
    /// A gateway does not say, or says wrongly, what its access request is about.
    BadAccessRequest,
    /// The query is not of the form it must have.
    Query(Vec<FieldError>),
    /// What is in the body cannot be used.
    Body(Vec<FieldError>),
    /// There is something at this path, but not by this method.
    Method,
    /// The body is larger than it may be here.
    TooLarge {
        /// In bytes.
        most: usize,
    },
    /// The body is not said to be JSON.
    MediaType,
    /// It took longer than the time limit.
    Timeout,
}

/// What is wrong with one field of a query or body.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FieldError {
    /// Its name, with dots where it is inside another: `details.nodes`, `records.3.quantity`.
    pub(crate) field: String,
    /// What is wrong, for programs.
    pub(crate) code: &'static str,
    /// What is wrong, for people.
    pub(crate) detail: String,
}

/// What is wrong with a value.
#[derive(Clone, Debug)]
pub(crate) struct Wrong {
    code: &'static str,
    detail: String,
}

impl Wrong {
    /// It is not of the form it must have.
    pub(crate) fn form(detail: impl Into<String>) -> Self {
        Self {
            code: "wrong_form",
            detail: detail.into(),
        }
    }

    /// It is required, and was not sent.
    pub(crate) fn missing() -> Self {
        Self {
            code: "missing",
            detail: "This field is required.".to_owned(),
        }
    }

    /// Nothing here has that name.
    pub(crate) fn unknown() -> Self {
        Self {
            code: "unknown",
            detail: "There is no such field here.".to_owned(),
        }
    }

    /// It was sent more than once.
    pub(crate) fn repeated() -> Self {
        Self {
            code: "repeated",
            detail: "Send this once.".to_owned(),
        }
    }

    /// The error of the field `field`, whose name is cut to a length that is safe to repeat: the caller may have made
    /// it up.
    pub(crate) fn at(self, field: impl AsRef<str>) -> FieldError {
        FieldError {
            field: field.as_ref().chars().take(LONGEST_FIELD).collect(),
            code: self.code,
            detail: self.detail,
        }
    }
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: refusal.code(),
            detail: explain(Problem::Refused(refusal)),
        }
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Problem(refusal.into())
    }
}

impl From<directory::Error> for ApiError {
    fn from(error: directory::Error) -> Self {
        // Who asks here is a key: what it lacks is reach.
        if let directory::Error::Refused(Refusal::Forbidden(permission)) = error {
            Self::KeyScope(permission)
        } else {
            Self::Problem(error.into())
        }
    }
}

/// A problem as it is sent.
#[derive(Debug, Serialize)]
struct ProblemBody {
    r#type: String,
    title: String,
    status: u16,
    detail: String,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    permission: Option<Permission>,
    errors: Vec<FieldError>,
    request_id: String,
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Problem(problem) => {
                StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Self::KeyScope(_) | Self::Denied(..) => StatusCode::FORBIDDEN,
            Self::BadAccessRequest | Self::Query(_) => StatusCode::BAD_REQUEST,
            Self::Body(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Timeout => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Its stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Problem(Problem::Refused(refusal)) => refusal.code(),
            Self::Problem(Problem::Unavailable | Problem::Unreachable) => "unavailable",
            Self::Problem(Problem::Busy) => "busy",
            Self::Problem(Problem::Internal) => "internal",
            Self::KeyScope(permission) => Refusal::Forbidden(*permission).code(),
            Self::Denied(denial, _) => denial.code(),
            Self::BadAccessRequest | Self::Query(_) => Refusal::Malformed.code(),
            Self::Body(_) => "invalid",
            Self::Method => "method_not_allowed",
            Self::TooLarge { .. } => "too_large",
            Self::MediaType => "unsupported_media_type",
            Self::Timeout => "timeout",
        }
    }

    fn detail(&self) -> String {
        match self {
            // What these say to people is about pages and minutes.
            Self::Problem(Problem::Refused(Refusal::Malformed)) => "The body isn’t JSON in UTF-8.".to_owned(),
            Self::Problem(Problem::Refused(Refusal::TooManyAttempts { retry_after })) => {
                format!("Too many requests. Try again in {retry_after} s.")
            }
            Self::Problem(Problem::Refused(Refusal::SignedOut)) => {
                "No API key came with the request, and nobody is signed in.".to_owned()
            }
            Self::Problem(problem) => explain(*problem),
            Self::KeyScope(permission) => format!(
                "This key’s reach doesn’t permit this ({permission}). Use a key with the reach “manage”; {} can \
                 create one.",
                permission.granted_by()
            ),
            Self::Denied(Denial::Hidden, _) => {
                "The caller has no access to this, or there is no such thing.".to_owned()
            }
            Self::Denied(Denial::Role, permission) => explain(Refusal::Forbidden(*permission).into()),
            Self::Denied(Denial::KeyScope, permission) => Self::KeyScope(*permission).detail(),
            Self::Denied(Denial::NotForKeys, permission) => {
                format!("No API key may do this ({permission}): it is for people.")
            }
            Self::BadAccessRequest => {
                "The gateway doesn’t say, or says wrongly, what this is about. See its configuration.".to_owned()
            }
            Self::Query(_) => "The query isn’t of the form it must have. See “errors”.".to_owned(),
            Self::Body(_) => "Nothing was done: what is in the body can’t be used. See “errors”.".to_owned(),
            Self::Method => "This path doesn’t support that method. The header Allow names those it does.".to_owned(),
            Self::TooLarge { most } => format!("The body is larger than {} KiB. Send it in parts.", most / 1024),
            Self::MediaType => "Send the body as application/json.".to_owned(),
            Self::Timeout => "The request took too long, and was ended. Try again in a moment.".to_owned(),
        }
    }

    fn errors(&self) -> Vec<FieldError> {
        match self {
            Self::Query(errors) | Self::Body(errors) => errors.clone(),
            Self::Problem(Problem::Refused(
                refusal @ (Refusal::UsageInvalid { record }
                | Refusal::UsageTooLarge { record }
                | Refusal::UsageElsewhere { record }
                | Refusal::UsageCorrectionInvalid { record }
                | Refusal::UsageCorrected { record }),
            )) => {
                vec![Wrong::from(*refusal).at(format!("records.{record}"))]
            }
            Self::Problem(Problem::Refused(refusal)) => refusal
                .field()
                .map(|field| Wrong::from(*refusal).at(field_name(field)))
                .into_iter()
                .collect(),
            Self::Problem(Problem::Unavailable | Problem::Busy | Problem::Internal | Problem::Unreachable)
            | Self::KeyScope(_)
            | Self::Denied(..)
            | Self::BadAccessRequest
            | Self::Method
            | Self::TooLarge { .. }
            | Self::MediaType
            | Self::Timeout => Vec::new(),
        }
    }

    const fn permission(&self) -> Option<Permission> {
        match self {
            Self::KeyScope(permission)
            | Self::Denied(_, permission)
            | Self::Problem(Problem::Refused(Refusal::Forbidden(permission))) => Some(*permission),
            Self::Problem(_)
            | Self::BadAccessRequest
            | Self::Query(_)
            | Self::Body(_)
            | Self::Method
            | Self::TooLarge { .. }
            | Self::MediaType
            | Self::Timeout => None,
        }
    }

    /// Adds the headers that tell the caller what to do: `WWW-Authenticate`, `Retry-After`.
    fn headers(&self, headers: &mut HeaderMap) {
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        match self.status() {
            StatusCode::UNAUTHORIZED => {
                // RFC 6750, 3: no error where nothing came that could be wrong.
                let is_missing = matches!(
                    self,
                    Self::Problem(Problem::Refused(
                        Refusal::KeyMissing | Refusal::SignedOut | Refusal::GatewayUnknown
                    ))
                );
                let challenge = "Bearer realm=\"roster\"";
                let error = if is_missing { "" } else { ", error=\"invalid_token\"" };
                set(header::WWW_AUTHENTICATE, &format!("{challenge}{error}"));
            }
            StatusCode::TOO_MANY_REQUESTS => {
                if let Self::Problem(Problem::Refused(refusal)) = self
                    && let Some(retry_after) = refusal.retry_after()
                {
                    set(header::RETRY_AFTER, &retry_after.to_string());
                }
            }
            StatusCode::SERVICE_UNAVAILABLE => set(header::RETRY_AFTER, &AGAIN.to_string()),
            _ => {}
        }
    }
}

/// The name in a JSON body of a field that forms have too.
fn field_name(field: Field) -> String {
    match field {
        Field::Detail(detail) => format!("details.{}", detail.code()),
        Field::Email
        | Field::Password
        | Field::CurrentPassword
        | Field::Name
        | Field::Slug
        | Field::Role
        | Field::ExpiresOn
        | Field::Confirmation
        | Field::PublicKey
        | Field::Signature
        | Field::State => serde_json::to_value(field)
            .ok()
            .and_then(|name| name.as_str().map(ToOwned::to_owned))
            .unwrap_or_default(),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Renders the failure of a request, if it failed, as `application/problem+json`. The [`ApiError`] stays in the
/// response's extensions, for layers that want its code.
pub(crate) async fn render_problem(request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(HeaderName::from_static("x-request-id"))
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let mut response = next.run(request).await;
    let status = response.status();
    let error = match response.extensions_mut().remove::<ApiError>() {
        Some(error) => error,
        None if status.is_client_error() || status.is_server_error() => unsaid(status),
        None => return response,
    };
    let body = ProblemBody {
        r#type: format!("urn:roster:problem:{}", error.code()),
        title: title(error.code()),
        status: error.status().as_u16(),
        detail: error.detail(),
        code: error.code(),
        permission: error.permission(),
        errors: error.errors(),
        request_id: id,
    };
    let (mut parts, _) = response.into_parts();
    parts.status = error.status();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts
        .headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    error.headers(&mut parts.headers);
    parts.extensions.insert(error);
    Response::from_parts(parts, serde_json::to_vec(&body).unwrap_or_default().into())
}

/// The error for a failure status that no handler set an [`ApiError`] for.
fn unsaid(status: StatusCode) -> ApiError {
    match status {
        StatusCode::NOT_FOUND => Refusal::Hidden.into(),
        StatusCode::METHOD_NOT_ALLOWED => ApiError::Method,
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge { most: MOST_BYTES },
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ApiError::MediaType,
        StatusCode::SERVICE_UNAVAILABLE => ApiError::Timeout,
        status if status.is_client_error() => Refusal::Malformed.into(),
        _ => Problem::Internal.into(),
    }
}

/// The title of a problem, made from its code, so that it is the same for every occurrence (RFC 9457, 3.1.3).
fn title(code: &str) -> String {
    let mut letters = code.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect::<String>())
        .unwrap_or_default()
        .replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_its_code_as_words() {
        assert_eq!(title("resource_name_taken"), "Resource name taken");
        assert_eq!(title(""), "");
    }

    #[test]
    fn a_field_is_named_as_in_the_body() {
        assert_eq!(field_name(Field::Name), "name");
        assert_eq!(field_name(Field::ExpiresOn), "expires_on");
        assert_eq!(
            field_name(Field::Detail(policy::ResourceField::GpusPerNode)),
            "details.gpus_per_node"
        );
    }
}
