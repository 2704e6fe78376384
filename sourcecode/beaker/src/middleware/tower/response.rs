//! [`ResponseFuture`]: the service answers, then its session is saved.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderValue, Response};
use pin_project_lite::pin_project;
use tokio::runtime::Handle;

use super::status_of;
use crate::error::Result;
use crate::middleware::current;
use crate::middleware::lazy::LazySession;
use crate::middleware::log::log;
use crate::middleware::steps;

pin_project! {
    /// The response of a [`SessionService`](super::SessionService). If it is dropped before the inner
    /// service has answered, nothing is saved; if it is dropped after that, saving goes on.
    pub struct ResponseFuture<F, B> {
        // Gone when it has answered: what it still holds of the session goes with it.
        #[pin]
        inner: Option<F>,
        lazy: LazySession,
        saving: Option<Saving<B>>,
    }

    impl<F, B> PinnedDrop for ResponseFuture<F, B> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let (Some(saving), Ok(runtime)) = (this.saving.take(), Handle::try_current()) {
                let lazy = this.lazy.clone();
                drop(runtime.spawn(async move {
                    if let Err(error) = saving.cookie.await {
                        log("the session could not be saved", lazy.asked(), &error);
                    }
                }));
            }
        }
    }
}

/// A response that waits for its session to be saved.
struct Saving<B> {
    response: Response<B>,
    cookie: Pin<Box<dyn Future<Output = Result<Option<HeaderValue>>> + Send>>,
}

impl<F, B> ResponseFuture<F, B> {
    pub(super) fn new(inner: F, lazy: LazySession) -> ResponseFuture<F, B> {
        ResponseFuture { inner: Some(inner), lazy, saving: None }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(inner) = this.inner.as_mut().as_pin_mut() {
            let answered = ready!(current::during(this.lazy, || inner.poll(context)));
            this.inner.set(None);
            let mut response = answered?;
            let session = match steps::end(this.lazy, &mut response, || this.lazy.asked().cloned())
            {
                Ok(Some(session)) => session,
                Ok(None) => return Poll::Ready(Ok(response)),
                Err(error) => return Poll::Ready(Ok(finished(this.lazy, response, Err(error)))),
            };
            if session.is_done() {
                let cookie = steps::cookie(&session);
                return Poll::Ready(Ok(finished(this.lazy, response, cookie)));
            }
            let lazy = this.lazy.clone();
            let cookie = Box::pin(steps::save(session, move || lazy.asked().cloned()));
            *this.saving = Some(Saving { response, cookie });
        }
        let saving = this.saving.as_mut().expect("nobody polls what has given its response");
        let cookie = ready!(saving.cookie.as_mut().poll(context));
        let response = this.saving.take().map(|saving| saving.response).unwrap_or_default();
        Poll::Ready(Ok(finished(this.lazy, response, cookie)))
    }
}

fn finished<B: Default>(
    lazy: &LazySession,
    mut response: Response<B>,
    cookie: Result<Option<HeaderValue>>,
) -> Response<B> {
    match cookie {
        Ok(cookie) => steps::send(&mut response, cookie),
        Err(error) => {
            log("the session could not be saved", lazy.asked(), &error);
            response = Response::default();
            *response.status_mut() = status_of(&error);
        }
    }
    response
}

impl<F, B> fmt::Debug for ResponseFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answered = self.inner.is_none();
        f.debug_struct("ResponseFuture").field("answered", &answered).finish_non_exhaustive()
    }
}
