//! Live pictures on a stream: who asked for them gets them as binary messages, each one JPEG.

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;
use tokio_tungstenite::tungstenite::protocol::frame::coding::OpCode;

use futures_util::SinkExt;

use super::End;
use super::Session;
use super::Turn;
use crate::limits::SOCKET_WRITE_BYTES;
use crate::media::Picture;
use crate::web::live::Viewer;
use crate::web::live::full_words;
use crate::wire::client::Live;
use crate::wire::server::LiveConfirmed;

impl Session<'_> {
    /// Begins to show live pictures, or ends it.
    pub(super) async fn live(&mut self, wish: Live) -> Result<(), End> {
        let desk = &self.server.services.desk;
        let viewers_max = desk.settings().viewers_max;
        match (wish, &mut self.viewer) {
            (Live::Stop, _) => self.viewer = None,
            (Live::Start { fps }, Some(viewer)) => viewer.set_rate(fps),
            (Live::Start { fps }, None) => self.viewer = Viewer::new(self.server, fps),
        }
        let on = self.viewer.is_some();
        let (fps, refused) = match wish {
            Live::Start { fps } => (on.then_some(fps), !on),
            Live::Stop => (None, false),
        };
        if refused {
            return self.complain(&full_words(viewers_max), &[]).await;
        }
        let viewers = desk.viewers();
        self.feed(&LiveConfirmed {
            on,
            fps,
            viewers,
            viewers_max,
        })
        .await?;
        self.flush().await
    }

    /// Sends a picture in fragments that fit the socket's buffer, so that no client holds a copy of it.
    pub(super) async fn show(&mut self, picture: Option<Picture>) -> Result<(), End> {
        let Some(Picture { mut jpeg, .. }) = picture else {
            self.viewer = None;
            return Ok(());
        };
        let mut kind = Data::Binary;
        while !jpeg.is_empty() {
            let fragment = jpeg.split_to(jpeg.len().min(SOCKET_WRITE_BYTES));
            self.socket.feed(Message::Frame(frame(fragment, kind, jpeg.is_empty()))).await?;
            kind = Data::Continue;
        }
        self.flush().await
    }
}

fn frame(bytes: Bytes, kind: Data, is_last: bool) -> Frame {
    Frame::message(bytes, OpCode::Data(kind), is_last)
}

/// Waits for the next picture of one who looks; for ever for one who does not.
pub(super) async fn next(viewer: &mut Option<Viewer>) -> Turn {
    match viewer {
        Some(viewer) => Turn::Show(viewer.next().await),
        None => std::future::pending().await,
    }
}
