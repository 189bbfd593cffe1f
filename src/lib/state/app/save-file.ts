/** State: hands a file to the browser to keep. In: a blob and a name. Out: a download, as by a link. */
export function saveFile(file: Blob, name: string): void {
	const link = document.createElement('a');
	link.href = URL.createObjectURL(file);
	link.download = name;
	link.click();
	// The download has begun with the click; the address is kept a while for browsers that read it late.
	setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
