// A picture as grey cells.
(async (text, COLUMNS, ROWS) => {
  const image = new Image();
  image.src = 'data:image/png;base64,' + text;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [COLUMNS, ROWS];
  const pen = canvas.getContext('2d');
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(image, 0, 0, COLUMNS, ROWS);
  const { data } = pen.getImageData(0, 0, COLUMNS, ROWS);
  return Array.from({ length: COLUMNS * ROWS }, (_, at) => Math.round((data[at * 4] + data[at * 4 + 1] + data[at * 4 + 2]) / 3));
})
