#!/usr/bin/env python3
"""Pictures of every page of a console that runs, wide and narrow, light and dark: tests/console/pictures.py URL FOLDER

Signs in as INTERDICT_PERSON (name:password). Needs chromium and chromedriver; pngquant, where it is there, makes them smaller.
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import urllib.request

DRIVER = "http://127.0.0.1:9517"
PLACES = {"overview": "/", "report": "/report", "findings": "/findings", "hosts": "/hosts", "expected": "/hosts?expected=any",
          "never-seen": "/hosts?expected=never", "software": "/software?name=lib", "coverage": "/coverage", "policies": "/policies",
          "waivers": "/waivers", "audit": "/audit", "settings": "/settings"}
# What is found on a page: its first link.
BELOW = {"host": ("/findings", "main td a[href^='/hosts/']"), "compare": ("host", "main a[href*='/compare']"), "item": ("software", "main tbody a")}
WIDTHS = {"wide": (1280, 900), "narrow": (390, 844)}
# What is longer is cut: it is a picture of the page, not all of it.
TALLEST = 2200


def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{DRIVER}{path}", data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["value"]


class Browser:
    def __init__(self):
        self.driver = subprocess.Popen(["chromedriver", "--port=9517"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)
        options = {"args": ["--headless=new", "--no-sandbox", "--ignore-certificate-errors", "--lang=en-GB"]}
        self.at = "/session/" + call("POST", "/session", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}})["sessionId"]

    def run(self, script, *args):
        return call("POST", f"{self.at}/execute/sync", {"script": script, "args": args})

    def go(self, url):
        call("POST", f"{self.at}/url", {"url": url})

    def chrome(self, command, **params):
        return call("POST", f"{self.at}/goog/cdp/execute", {"cmd": command, "params": params})

    def picture(self, width, least):
        tall = min(TALLEST, max(least, self.run("return document.documentElement.scrollHeight")))
        clip = {"x": 0, "y": 0, "width": width, "height": tall, "scale": 1}
        return base64.b64decode(self.chrome("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"])

    def end(self):
        call("DELETE", self.at)
        self.driver.terminate()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    url, folder = sys.argv[1].rstrip("/"), pathlib.Path(sys.argv[2])
    name, password = os.environ["INTERDICT_PERSON"].split(":", 1)
    folder.mkdir(parents=True, exist_ok=True)
    browser = Browser()
    try:
        browser.go(f"{url}/sign-in")
        browser.run("const [name, password] = arguments; document.querySelector('[name=name]').value = name; "
                    "document.querySelector('[name=password]').value = password; document.querySelector('main form').submit();", name, password)
        time.sleep(2)
        if browser.run("return location.pathname;") == "/sign-in":
            sys.exit(f"{name} cannot sign in")
        places = dict(PLACES)
        for below, (place, link) in BELOW.items():
            place = places.get(place, place)
            if place is None:
                places[below] = None
                continue
            browser.go(url + place)
            places[below] = browser.run("const link = document.querySelector(arguments[0]); return link && link.getAttribute('href');", link)
        for page, path in places.items():
            if path is None:
                print(f"no {page}", file=sys.stderr)
                continue
            for colour in ("light", "dark"):
                for size, (width, tall) in WIDTHS.items():
                    browser.chrome("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": colour}])
                    browser.chrome("Emulation.setDeviceMetricsOverride", width=width, height=tall, deviceScaleFactor=1, mobile=size == "narrow")
                    browser.go(url + path)
                    shot = folder / f"{page}-{size}-{colour}.png"
                    shot.write_bytes(browser.picture(width, tall))
                    if shutil.which("pngquant"):
                        subprocess.run(["pngquant", "--force", "--skip-if-larger", "--strip", "--output", shot, "64", shot])
    finally:
        browser.end()


if __name__ == "__main__":
    main()
