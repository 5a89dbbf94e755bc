// Lets the search work where a browser forbids workers: on pages opened as files. The worker's script runs in a hidden
// frame, and messages are passed as copies. Pages from a server keep the browser's own Worker.
if (location.protocol === "file:") {
  window.Worker = class {
    constructor(address) {
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      const inside = this.frame.contentWindow;
      inside.postMessage = (data) => setTimeout(() => this.onmessage?.({ data: structuredClone(data) }));
      const script = inside.document.createElement("script");
      script.src = new URL(address, document.baseURI).href;
      this.ready = new Promise((resolve, reject) => {
        script.onload = resolve;
        script.onerror = () => {
          this.onerror?.(new ErrorEvent("error"));
          reject(new Error(`${script.src} cannot be read`));
        };
      });
      inside.document.body.append(script);
    }

    postMessage(data) {
      const inside = this.frame.contentWindow;
      this.ready.then(() => inside.onmessage?.({ data: inside.structuredClone(data) }));
    }

    terminate() {
      this.frame.remove();
    }
  };
}
